package edge

import (
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/poll"
	"limegrove/lime"
)

// A connection has one deadline. It is set to the earliest moment at which
// something could be due, and moved only when it fires, or a ping was answered: else
// being heard of costs a connection nothing but a note of the time.

// arm sets the deadline.
func (c *conn) arm() { c.socket.SetDeadline(c.due()) }

// due returns the earliest moment at which something is to be done for c.
func (c *conn) due() time.Time {
	cfg := &c.edge.cfg
	var at time.Time
	sooner := func(from time.Time, after time.Duration) {
		if t := from.Add(after); after > 0 && !from.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	switch {
	case c.phase == handshaking:
		sooner(c.began, cfg.HandshakeTimeout)
	case c.phase == closing:
		return time.Time{} // poll ends it
	case c.session.state == lime.StateEstablished:
		if !c.pinged {
			sooner(c.heard, cfg.PingInterval)
		}
		sooner(c.heard, cfg.IdleTimeout)
		sooner(c.stalled, cfg.StallTimeout)
		if cfg.PingInterval <= 0 { // nothing else looks at what waits
			sooner(c.turn.Now, cfg.StallTimeout)
		}
	default:
		sooner(c.began, cfg.EstablishTimeout)
	}
	sooner(c.unfinished, cfg.UnfinishedTimeout)
	sooner(c.pausedTill, time.Nanosecond)
	return at
}

// Timer does what is due. poll.Handler.
func (c *conn) Timer(t *poll.Turn) {
	c.turn = t
	defer c.done()
	cfg := &c.edge.cfg
	over := func(from time.Time, limit time.Duration) bool {
		return limit > 0 && !from.IsZero() && t.Now.Sub(from) >= limit
	}
	if over(c.pausedTill, time.Nanosecond) {
		c.pausedTill = time.Time{}
		c.socket.ResumeRead()
	}
	established := c.session.state == lime.StateEstablished
	switch {
	case c.phase == closing:
	case c.phase == handshaking:
		if over(c.began, cfg.HandshakeTimeout) {
			c.answerHTTP("408 Request Timeout", "the upgrade request was not complete in time")
		}
	case over(c.unfinished, cfg.UnfinishedTimeout):
		c.session.malformed("The rest of a frame or of an envelope did not come in time", ws.StatusPolicyViolation)
	case !established && over(c.began, cfg.EstablishTimeout):
		c.session.late()
	case established && over(c.heard, cfg.IdleTimeout):
		c.session.finish()
	case established:
		c.watch(t.Now)
	}
	c.arm()
}

// watch pings a silent client, and ends the connection of one that takes nothing
// of what waits for it: L-TRN-09, L-TRN-11.
func (c *conn) watch(now time.Time) {
	cfg := &c.edge.cfg
	waiting := c.socket.Queued()
	// Both grow by what is queued; what is left is what was taken.
	taken := c.given.Load() - uint32(waiting)
	switch {
	case waiting == 0:
		c.stalled = time.Time{}
	case c.stalled.IsZero() || taken != c.taken:
		c.stalled, c.taken = now, taken
	case cfg.StallTimeout > 0 && now.Sub(c.stalled) >= cfg.StallTimeout:
		c.edge.metrics.stalls.Inc()
		c.phase = closing
		c.socket.Close(poll.ErrTimeout)
		return
	}
	silent := now.Sub(c.heard)
	if cfg.PingInterval > 0 && silent >= cfg.PingInterval && !c.pinged {
		c.pinged = true
		// A full queue is watched anyway.
		_ = c.queue(ws.OpPing, nil)
	}
}
