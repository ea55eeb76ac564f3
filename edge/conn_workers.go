package edge

import (
	"limegrove/edge/auth"
	"limegrove/edge/poll"
	"limegrove/lime"
)

// authenticate asks for the session's identity, elsewhere. outlet.
func (c *conn) authenticate(r auth.Request) {
	q := newQuestion(c)
	q.request, q.began = r, c.turn().Now
	q.request.Remote, q.request.Certificate, q.request.Upgrade = c.socket.RemoteAddr(), c.certificate(), c.upgradeRequest()
	if !c.edge.loginsBy(r.Scheme).do(q.authenticate) {
		q.refuse(q.authenticated)
	}
}

// attach finds the session its place, elsewhere. outlet.
func (c *conn) attach(a Arrival) {
	q := newQuestion(c)
	q.arrival = a
	if !c.edge.places.do(q.attach) {
		q.refuse(q.attached)
	}
}

func (c *conn) attached(m Member, err error) {
	c.session.attached(m, err)
	if c.session.state == lime.StateEstablished {
		c.shown |= isCounted
		if c.proving() != nil {
			c.proving().asked = c.edge.instant(c.turn().Now)
		}
		if c.speaks() != nil {
			c.speaks().established(c)
		}
		c.edge.sessions.Add(1)
		c.edge.metrics.established(c.edge.instant(c.turn().Now).since(c.now().began))
		c.begun()
		if c.passing != nil && c.passing.unfinished != never { // of a session it has its time from now on
			c.passing.unfinished = c.edge.instant(c.turn().Now)
		}
		c.arm()
	}
	c.show()
}

// elsewhere has work done by a worker of the edge. When too many wait, full is
// called, later in the same turn's order of events.
func (c *conn) elsewhere(by *workers, work func(*worker), full func(error)) {
	done := by.do(func(w *worker) {
		if !c.told.has(flagEnded) { // a storm's work is mostly for those who gave up
			work(w)
		}
	})
	if done {
		return
	}
	// Not at once: the session is in the middle of a move.
	_ = c.back(func() { full(errBusy) })
}

var errBusy = &busy{lime.NewReason(lime.CodeSessionError, "Too many sessions are being established; try again later")}

// busy is a reason that is the edge's fault.
type busy struct{ *lime.Reason }

// Unwrap is for lime.AsReason.
func (b *busy) Unwrap() error { return b.Reason }

// back calls fn on the connection's loop. The error says that the connection has
// ended.
func (c *conn) back(fn func()) error {
	return c.socket.Post(func(*poll.Turn) { fn() })
}
