package cluster

import (
	"bytes"
	"context"
	"time"
)

// keepAnnounced tells the others what changed of this member, until ctx is done or
// the cluster is closed.
func (c *Cluster) keepAnnounced(ctx context.Context) error {
	tick := time.NewTicker(c.cfg.UpdateInterval)
	defer tick.Stop()
	announced, _ := encodeMeta(Member{}) // of nobody: the first is always news
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.closed:
			return nil
		case <-tick.C:
		case <-c.changed:
		}
		now, err := encodeMeta(c.Self())
		if err != nil || bytes.Equal(now, announced) {
			continue // Start has seen to the error
		}
		announced = now
		if c.gone() {
			continue
		}
		// Whether it is out by now does not matter: it goes out by itself, and a newer
		// one takes its place in memberlist's queue.
		_ = c.announce(time.Millisecond)
	}
}

// announce hands the metadata to gossip and waits until it has gone out, or returns
// an error after timeout.
func (c *Cluster) announce(timeout time.Duration) error {
	c.announcing.Lock()
	defer c.announcing.Unlock()
	return c.list.UpdateNode(timeout)
}
