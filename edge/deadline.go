package edge

import (
	"math/rand/v2"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/poll"
	"limegrove/lime"
)

// A connection has one deadline. It is set to the earliest moment at which
// something could be due, and moved only when it fires, or a ping was answered: else
// being heard of costs a connection nothing but a note of the time.

// instant is a moment of an edge's life, in nanoseconds since it was made, one more
// than that: a connection has several, and a time.Time is three times as long.
type instant int64

// never is no moment.
const never instant = 0

// instant returns t as an instant.
func (e *Edge) instant(t time.Time) instant { return instant(t.Sub(e.made)) + 1 }

// time returns i as a time.
func (e *Edge) time(i instant) time.Time { return e.made.Add(time.Duration(i - 1)) }

// since is the time from o to i.
func (i instant) since(o instant) time.Duration { return time.Duration(i - o) }

// arm sets the deadline.
func (c *conn) arm() { c.socket.SetDeadline(c.due()) }

// due returns the earliest moment at which something is to be done for c.
func (c *conn) due() time.Time {
	cfg := c.edge.cfg.Load()
	at, p, now := never, c.now(), c.edge.instant(c.turn().Now)
	sooner := func(from instant, after time.Duration) {
		if t := from + instant(after); after > 0 && from != never && (at == never || t < at) {
			at = t
		}
	}
	newcomer := func(from instant, after time.Duration) {
		if over := from + instant(after); after > 0 && from != never && over <= now && !c.isOver(from, after, now) {
			sooner(c.nextLook(over, now)-1, time.Nanosecond)
			return
		}
		sooner(from, after)
	}
	switch {
	case c.phase == handshaking:
		newcomer(p.began, cfg.HandshakeTimeout)
	case c.phase == closing:
		return time.Time{} // poll ends it
	case c.session.state == lime.StateEstablished:
		if !c.pinged && !c.unheard() {
			sooner(c.heard, cfg.PingInterval)
		}
		if !c.unheard() {
			sooner(c.heard, cfg.IdleTimeout)
			if c.speaks() != nil {
				sooner(c.speaks().spoke, c.speaks().login.Idle)
			}
		}
		sooner(p.settleBy, time.Nanosecond)
		if c.lifetime() != nil {
			sooner(c.lifetime().notice, time.Nanosecond)
			sooner(c.lifetime().ends, time.Nanosecond)
		}
		sooner(p.stalled, cfg.StallTimeout)
		if cfg.PingInterval <= 0 || c.unheard() { // nothing else looks at what waits
			sooner(now, cfg.StallTimeout)
		}
	default:
		newcomer(p.began, cfg.EstablishTimeout)
	}
	if !c.unheard() {
		newcomer(p.unfinished, cfg.UnfinishedTimeout)
	}
	sooner(p.pausedTill, time.Nanosecond)
	sooner(p.shaken, cfg.HandshakeTimeout)
	if c.proving() != nil {
		sooner(c.proving().look, time.Nanosecond)
	}
	if at == never {
		return time.Time{}
	}
	return c.edge.time(at)
}

// Timer does what is due. poll.Handler.
func (c *conn) Timer(t *poll.Turn) {
	cfg := c.edge.cfg.Load()
	now := c.edge.instant(t.Now)
	over := func(from instant, limit time.Duration) bool {
		return limit > 0 && from != never && now.since(from) >= limit
	}
	p := c.now()
	if over(p.pausedTill, time.Nanosecond) {
		c.waited(now)
		c.begins().pausedTill = never
		c.passes()
		c.heardAgain(now)
		c.steer()
		p = c.now()
	}
	c.floodEnds(now)
	if c.proving() != nil && over(c.proving().look, time.Nanosecond) {
		c.lookAgain()
	}
	established := c.session.state == lime.StateEstablished
	switch {
	case c.phase == closing:
	case c.phase == handshaking:
		if c.isOver(p.began, cfg.HandshakeTimeout, now) {
			c.reject(rejectTimeout)
		}
	case over(p.shaken, cfg.HandshakeTimeout):
		c.session.late()
	case !c.unheard() && c.isOver(p.unfinished, cfg.UnfinishedTimeout, now):
		c.session.malformed("The rest of a frame or of an envelope did not come in time", ws.StatusPolicyViolation)
	case !established && c.isOver(p.began, cfg.EstablishTimeout, now):
		c.session.late()
	case established && c.age(now):
	case established && !c.unheard() && over(c.heard, cfg.IdleTimeout) && (c.pinged || cfg.PingInterval <= 0):
		c.session.finish()
	case established && c.speaks() != nil && !c.unheard() && over(c.speaks().spoke, c.speaks().login.Idle):
		c.session.finish()
	case established && over(p.settleBy, time.Nanosecond):
		c.unsettled()
	case established:
		c.watch(now)
	}
	c.arm()
}

// stallScatter is up to which part of its time a client that stalls has more: those of a network that is gone
// stall together, and would be cut together, and come back so.
const stallScatter = 8

// scattered is how much more one has.
func scattered(limit time.Duration) instant {
	if limit < stallScatter {
		return 0
	}
	return instant(rand.N(limit / stallScatter))
}

// watch pings a silent client, and ends the connection of one that takes nothing
// of what waits for it: L-TRN-09, L-TRN-11.
func (c *conn) watch(now instant) {
	cfg := c.edge.cfg.Load()
	given, taken := c.socket.Position()
	switch {
	case given == taken:
		c.flows()
	case c.now().stalled == never || taken != c.now().taken:
		p := c.begins()
		p.stalled, p.taken = now+scattered(cfg.StallTimeout), taken
	case cfg.StallTimeout > 0 && now.since(c.now().stalled) >= cfg.StallTimeout:
		c.edge.metrics.stalls.Inc()
		c.phase = closing
		c.socket.Close(poll.ErrTimeout)
		return
	}
	silent := now.since(c.heard)
	if cfg.PingInterval > 0 && silent >= cfg.PingInterval && !c.pinged && !c.unheard() {
		c.pinged = true
		c.heard = max(c.heard, now-instant(cfg.PingInterval)) // it has its time to answer, though it was silent for longer than is allowed since
		// A full queue is watched anyway.
		switch c.over {
		case overTCP:
			c.send(lime.KindCommand, c.session.ping(c.open()))
		case overFrames:
			c.sendFrame(c.speaks().framed.Probe(nil, 0))
		case overWebSocket:
			_ = c.queueControl(ws.OpPing, nil)
		}
	}
}
