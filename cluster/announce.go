package cluster

import (
	"context"
	"time"
)

// keepAnnounced tells the others what changed of this member, until ctx is done or
// the cluster is closed.
func (c *Cluster) keepAnnounced(ctx context.Context) error {
	tick := time.NewTimer(c.updateInterval())
	defer tick.Stop()
	var announced Member // nobody: the first is always news
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.closed:
			return nil
		case <-tick.C:
			tick.Reset(c.updateInterval())
		case <-c.changed:
		}
		now := c.Self()
		if !isNews(announced, now) {
			continue
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

// announcementsPerInterval is how many numbers of sessions a member hears at most in an
// UpdateInterval. Each is passed on by all, so that without a bound the work of a member would
// grow with the cluster, and that of the cluster with its square.
const announcementsPerInterval = 30

// updateInterval is UpdateInterval, and in a large cluster more.
func (c *Cluster) updateInterval() time.Duration {
	c.mu.Lock()
	members := len(c.members)
	c.mu.Unlock()
	return c.cfg.UpdateInterval * time.Duration(max(members, announcementsPerInterval)) / announcementsPerInterval
}

// sessionsOfNews is which part of its sessions a member has to gain or lose before others hear
// of it: they share out connections by the numbers, for which a hundredth makes no difference.
const sessionsOfNews = 64

// isNews tells whether the others want to know of what has become of a member.
func isNews(announced, now Member) bool {
	few := max(announced.Sessions, now.Sessions) / sessionsOfNews
	if diff := now.Sessions - announced.Sessions; -few <= diff && diff <= few {
		announced.Sessions = now.Sessions
	}
	return announced != now
}

// announce hands the metadata to gossip and waits until it has gone out, or returns
// an error after timeout.
func (c *Cluster) announce(timeout time.Duration) error {
	c.announcing.Lock()
	defer c.announcing.Unlock()
	return c.list.UpdateNode(timeout)
}
