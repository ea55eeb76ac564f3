package edge

import (
	"time"

	"limegrove/lime"
)

// A session that the edge itself wants to go, because it stops or has more than its
// share, is finished when its client has acknowledged all that it was handed, so that
// nothing comes twice, or when its time for that is over. Until then nothing new is
// handed out, and what the client sends is taken as ever.

// departure is why the edge wants a session to go.
type departure uint8

const (
	staying   departure = iota
	forDrain            // the edge stops
	forOthers           // other edges have fewer
)

// depart has a connection go for a reason, within a time, from its loop.
func (c *conn) depart(why departure, within time.Duration) {
	by := c.edge.instant(c.turn().Now.Add(within))
	switch {
	case c.phase == closing:
	case c.phase == handshaking: // a whole request is answered as it comes; half a one is not
		c.hangUp()
	case c.session.state != lime.StateEstablished:
		c.session.stop()
	case c.leaving != staying: // a drain is in more of a hurry
		p := c.begins()
		p.settleBy = min(p.settleBy, by)
		c.arm()
	default:
		c.leaving, c.begins().settleBy = why, by
		c.edge.settling.Add(1)
		c.edge.metrics.settling.Inc()
		c.show()
		c.arm()
		c.session.settle(func() { _ = c.back(c.settled) }) // one that has ended is settled, too
	}
}

// settled finishes a session that has nothing unacknowledged any more, or no time.
func (c *conn) settled() {
	if c.session.state == lime.StateEstablished {
		c.edge.metrics.departed(c.leaving)
		c.session.stop()
	}
}

// unsettled finishes a session whose time is over.
func (c *conn) unsettled() {
	c.edge.metrics.unsettled.Inc()
	c.settled()
}

// settle has routing hand out nothing any more, and call done when all that it has
// handed out is acknowledged.
func (s *session) settle(done func()) { s.member.Settle(done) }
