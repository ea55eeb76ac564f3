package poll

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one connection. What only its loop may call says so; the rest may be
// called by anybody, at any time.
type Conn struct {
	// Set when it is made and not changed.
	loop   *loop
	stream *stream // nil when the connection is the bare socket fd; Cover makes one, under mu
	remote netip.AddrPort
	fd     int32

	// Owned by loop.
	slot     int32 // in loop.conns
	handler  Handler
	rest     *buffer // what the handler has left; nil when it was nothing
	need     int     // how long rest must be to be given again
	timer    timer
	paused   bool
	resumed  bool     // rest is to be given again though nothing has come
	ended    bool     // the peer has ended its side
	ending   bool     // finish has begun
	interest interest // what the poller watches for

	// Written under mu.
	phase atomic.Uint32

	// Guarded by mu.
	mu          sync.Mutex
	writing     bool // somebody writes, and writes on until the queue is empty
	blocked     bool // the loop writes on when the socket has room
	halfClosed  bool // our side is ended
	wantDrained bool
	attended    bool // the loop has been asked to attend to it
	queued      int32
	given       uint32 // bytes that were ever queued; it wraps around
	limit       int32
	queue       queue // what nobody is writing yet
	cause       error // for Handler.Closed

	// Set by CloseAfterFlush, and then owned by loop.
	grace time.Duration
}

// The phases of a connection, in their order.
const (
	phaseOpen      uint32 = iota
	phaseFinishing        // by CloseAfterFlush: the queue goes out, what comes in is thrown away
	phaseClosing          // the loop has yet to end it
	phaseClosed
)

// interest is what a socket is watched for.
type interest uint8

const (
	readable interest = 1 << iota
	writable
)

// RemoteAddr is the peer's address; the zero AddrPort when it has none, as the
// ends of a net.Pipe.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote }

// NetConn is what Group.Add was given, a listener other than plain TCP has accepted, or
// Cover has put on top, so that one can ask it about TLS; nil for a bare socket. Nobody
// but the group may read, write or close it. For the loop only.
func (c *Conn) NetConn() net.Conn {
	if c.stream == nil {
		return nil
	}
	return c.stream.top()
}

// Post has fn called by the connection's loop, after what the same goroutine
// has posted before. It does not block and never loses: a nil error means that
// fn is called, even if the connection is closed by then. Posts are not
// bounded, so what leads to them must be. The error is ErrClosed.
func (c *Conn) Post(fn func(*Turn)) error {
	if c.phase.Load() == phaseClosed || !c.loop.post(post{fn: fn}) {
		return ErrClosed
	}
	return nil
}

// SetDeadline has Handler.Timer called when at has passed, or never if it is
// zero. There is one deadline: a new one replaces the old. It is kept to about
// a tenth of a second, never early, and moving it to later costs next to
// nothing. For the loop only.
func (c *Conn) SetDeadline(at time.Time) {
	if c.phase.Load() == phaseOpen {
		c.loop.wheel.set(c, at)
	}
}

// PauseRead stops Handler.Data, from now on, and soon the reading too, so that
// the peer's own queue fills. That the peer has ended may go unnoticed
// meanwhile. For the loop only.
func (c *Conn) PauseRead() {
	if c.phase.Load() == phaseOpen {
		c.paused, c.resumed = true, false
		c.attend()
	}
}

// ResumeRead ends PauseRead. What was left unread is given to Handler.Data
// again soon, but not during this call. For the loop only.
func (c *Conn) ResumeRead() {
	if c.paused {
		c.paused, c.resumed = false, true
		c.attend()
	}
}

// attend asks the loop to look after c.
func (c *Conn) attend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attendLocked()
}

func (c *Conn) attendLocked() {
	if !c.attended {
		c.attended = c.loop.post(post{c: c})
	}
}
