package cluster

import (
	"bytes"
	"context"
	"time"
)

// announceTimeout bounds the wait for an announcement to go out, and with it the
// time that Run takes to end.
const announceTimeout = time.Second

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
		if err := c.announce(announceTimeout); err != nil {
			c.log.WithError(err).Debug("gossip is slow to take an announcement")
		}
	}
}

// announce hands the metadata to gossip and waits until it has gone out, so that a
// slow network gets fewer announcements, not a queue of them.
func (c *Cluster) announce(timeout time.Duration) error {
	c.announcing.Lock()
	defer c.announcing.Unlock()
	return c.list.UpdateNode(timeout)
}
