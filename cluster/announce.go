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
		c.announce()
	}
}

// announce hands the metadata to gossip. It waits until it went out at least once,
// so that a slow network gets fewer announcements, not a queue of them.
func (c *Cluster) announce() {
	if c.gone() {
		return
	}
	if err := c.list.UpdateNode(c.cfg.UpdateInterval); err != nil {
		c.log.WithError(err).Debug("gossip is slow to take an announcement")
	}
}
