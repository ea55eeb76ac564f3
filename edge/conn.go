package edge

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/edge/poll"
	"limegrove/lime"
)

// ErrQueueFull is matched by the error of Recipient.Deliver and Probe when the client
// reads too slowly. It is a reason, so that routing, which does not know this package, can
// tell it from others, and the sender be told.
var ErrQueueFull error = &lime.Reason{Code: lime.CodeDispatchError, Description: "The recipient reads too slowly"}

// conn is one client: its socket, what has come of a frame or an envelope, and its
// session. It has no goroutine and, while idle, no buffer.
type conn struct {
	// Set when it is accepted and not changed.
	edge   *Edge
	socket *poll.Conn
	over   transport

	// Owned by the socket's loop.
	turn       *poll.Turn // of the call that is under way
	phase      phase
	pinged     bool      // a ping is under way
	counted    bool      // as an established session
	flooding   bool      // it has sent more than its rate allows in this turn
	held       bool      // by routing: nothing is read
	securing   securing  // how far TLS is
	shaken     instant   // since when hands are shaken for TLS; never when they are not
	leaving    departure // told to go
	began      instant
	pausedTill instant       // when a pause for flooding ends; never when there is none
	heard      instant       // when the client was last heard of
	unfinished instant       // since when a frame or an envelope is half sent; never when none is
	stalled    instant       // since when the client takes nothing of what waits for it
	taken      uint32        // how many bytes it had taken then
	settleBy   instant       // when a session that is leaving must be gone; never when it is not
	proved     uint32        // the number of the last probe that was answered
	frames     ws.State      // of a fragmented message
	stream     *stream       // an envelope that is half sent; nil when none is
	proving    *proving      // nil but over TCP
	upgraded   *auth.Upgrade // nil when nothing of the request goes to routers
	lifetime   *lifetime     // nil when the authentication does not expire
	session    session

	// For anybody.
	probed   atomic.Uint32 // the number of the last probe
	hold     atomic.Bool   // what Hold was told last
	steering atomic.Bool   // the loop has been asked to heed it
	deaf     atomic.Bool   // over TCP: it has not answered a ping in time
	ended    atomic.Bool   // there is nobody any more to work for
}

// securing is how far a connection is that TLS was agreed on for.
type securing uint8

const (
	asItIs  securing = iota // in clear for good, or inside TLS
	leaving                 // nothing is read until what was sent in clear has left
	shaking                 // hands are shaken, and nothing is sent
)

// phase is what a connection's bytes are at the moment.
type phase uint8

const (
	handshaking phase = iota // an HTTP request
	open                     // frames, or envelopes
	closing                  // nothing is read any more
)

// Data takes what has come. poll.Handler.
func (c *conn) Data(t *poll.Turn, b []byte) (n, need int) {
	c.turn = t
	defer c.done()
	c.heard = c.edge.instant(t.Now)
	if c.pinged { // the next one is due sooner than the end of a silent client
		c.pinged = false
		c.arm()
	}
	s := c.edge.scratch.Get().(*scratch)
	defer c.edge.scratch.Put(s)
	s.now = c.heard
	for c.phase != closing && c.securing == asItIs && n < len(b) {
		var read int
		if read, need = c.read(s, b[n:]); read == 0 {
			break
		}
		n += read
		if c.stream == nil && !c.frames.Fragmented() {
			c.unfinished = never // what is half sent after it is another one
		}
	}
	switch c.phase {
	case closing:
		return len(b), 0
	case handshaking:
		return n, need
	case open:
	}
	if c.flooding {
		c.pause()
	}
	c.noteUnfinished(n < len(b) || c.stream != nil || c.frames.Fragmented())
	return n, need
}

// noteUnfinished starts the time that a half-sent frame or envelope has. A client
// that always sends is hardly ever seen at the end of one; each has its own time.
func (c *conn) noteUnfinished(is bool) {
	switch {
	case !is:
		c.unfinished = never
	case c.unfinished == never:
		c.unfinished = c.edge.instant(c.turn.Now)
		c.arm()
	}
}

// Drained is told that all that waited for the client has left. poll.Handler.
func (c *conn) Drained(t *poll.Turn) {
	c.turn = t
	defer c.done()
	c.stalled = never
	if c.securing == leaving {
		c.secureNow()
		return
	}
	c.session.drained()
}

// Closed is told that the socket is gone. poll.Handler.
func (c *conn) Closed(t *poll.Turn, err error) {
	c.turn = t
	defer c.done()
	c.phase = closing
	c.stream = nil
	c.ended.Store(true)
	c.session.lost()
	c.edge.forget(c, err)
}

// done forgets the turn, so that what needs one outside of it shows.
func (c *conn) done() { c.turn = nil }

// send queues an envelope, to be written when the loop's turn ends. outlet.
func (c *conn) send(envelope []byte) bool {
	var array [maxHead]byte
	return c.queue(c.over.appendHead(array[:0], len(envelope)), envelope) == nil
}

// queue queues a frame, from the connection's loop.
func (c *conn) queue(head, payload []byte) error {
	return c.turn.Batch.Append(c.socket, head, payload)
}

// end ends the connection politely, after all that was sent: L-FIN-07. A last of
// nil is none. outlet.
func (c *conn) end(last []byte, code ws.StatusCode) {
	if c.phase == closing {
		return
	}
	c.edge.metrics.closed(code)
	if c.securing != asItIs { // there is nothing in clear any more, and no TLS yet: L-SES-10
		c.phase = closing
		c.socket.Close(poll.ErrTimeout)
		return
	}
	var b []byte
	if last != nil {
		b = append(c.over.appendHead(b, len(last)), last...)
	}
	c.phase = closing
	c.socket.CloseWith(c.over.appendEnd(b, code), c.edge.cfg.CloseTimeout)
}

// hangUp ends the connection after what was queued.
func (c *conn) hangUp() {
	c.phase = closing
	c.socket.CloseAfterFlush(c.edge.cfg.CloseTimeout)
}

// count counts an envelope that was not passed on. outlet.
func (c *conn) count(why dropReason) {
	c.flooding = c.flooding || why == dropRate
	c.edge.metrics.drop(why)
}

// authenticate asks for the session's identity, elsewhere. outlet.
func (c *conn) authenticate(r auth.Request) {
	r.Remote, r.Certificate, r.Upgrade = c.socket.RemoteAddr(), c.certificate(), c.upgraded
	began := c.turn.Now
	c.elsewhere(c.edge.logins[r.Scheme], func(w *worker) {
		if most := c.edge.cfg.LoginPatience; most > 0 && time.Since(began) > most {
			c.edge.metrics.login(r.Scheme, began, errBusy)
			_ = c.back(func() { c.session.authenticated(auth.Grant{}, errBusy) })
			return
		}
		grant, err := c.edge.cfg.Authenticator.Authenticate(w.ctx, r)
		c.edge.metrics.login(r.Scheme, began, err)
		// A connection that has ended needs no answer.
		_ = c.back(func() { c.session.authenticated(grant, w.ours(err)) })
	}, func(err error) {
		c.edge.metrics.login(r.Scheme, began, err)
		c.session.authenticated(auth.Grant{}, err)
	})
}

// attach finds the session its place, elsewhere. outlet.
func (c *conn) attach(a Arrival) {
	c.elsewhere(c.edge.places, func(w *worker) {
		m, err := c.edge.cfg.Router.Attach(w.ctx, a, c)
		if c.back(func() { c.attached(m, w.ours(err)) }) != nil && m != nil {
			m.Leave()
		}
	}, func(err error) { c.attached(nil, err) })
}

func (c *conn) attached(m Member, err error) {
	c.session.attached(m, err)
	if c.session.state == lime.StateEstablished {
		c.counted = true
		if c.lifetime == nil { // else it may show credentials again
			c.upgraded = nil
		}
		if c.proving != nil {
			c.proving.asked = c.edge.instant(c.turn.Now)
		}
		c.edge.sessions.Add(1)
		c.edge.metrics.established(c.edge.instant(c.turn.Now).since(c.began))
		c.arm()
	}
}

// elsewhere has work done by a worker of the edge. When too many wait, full is
// called, later in the same turn's order of events.
func (c *conn) elsewhere(by *workers, work func(*worker), full func(error)) {
	done := by.do(func(w *worker) {
		if !c.ended.Load() { // a storm's work is mostly for those who gave up
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
	return c.socket.Post(func(t *poll.Turn) {
		c.turn = t
		defer c.done()
		fn()
	})
}

// Deliver queues an envelope of somebody else for the client. It may be called from
// anywhere. Recipient.
func (c *conn) Deliver(envelope []byte) error {
	var array [maxHead]byte
	return c.put(c.over.appendHead(array[:0], len(envelope)), envelope)
}

// put queues a frame, from anywhere.
func (c *conn) put(head, payload []byte) error {
	err := c.socket.Append(head, payload)
	if errors.Is(err, poll.ErrFull) {
		return ErrQueueFull
	}
	return err
}

// Flush writes what was queued. Recipient.
func (c *conn) Flush() { c.socket.Flush() }

// End fails the session. Recipient.
func (c *conn) End(why *lime.Reason) {
	// A connection that has ended needs no other end.
	_ = c.back(func() { c.session.end(why) })
}

var (
	_ poll.Handler = (*conn)(nil)
	_ outlet       = (*conn)(nil)
	_ Recipient    = (*conn)(nil)
)
