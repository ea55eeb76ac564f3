package poll

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one connection. What only its loop may call says so; the rest may be
// called by anybody, at any time. Its fields are in the order of their sizes, so
// that there are no gaps.
type Conn struct {
	// Set when it is made and not changed.
	loop   *loop
	stream *stream // nil when the connection is the bare socket fd; Cover makes one, under mu

	// Owned by loop.
	handler Handler
	held    *held // what has come and is not done with; nil when that is nothing
	timer   timer

	// Guarded by mu.
	mu    sync.Mutex
	queue queue // what nobody is writing yet
	rare  *rare // nil for most

	// Written under mu.
	phase atomic.Uint32

	// Guarded by mu.
	queued int32
	given  uint32 // bytes that were ever queued; it wraps around

	// Owned by loop.
	slot int32 // in loop.conns

	// Set when it is made and not changed.
	fd     int32
	remote peer

	// Owned by loop.
	paused   bool
	resumed  bool     // rest is to be given again though nothing has come
	ended    bool     // the peer has ended its side
	ending   bool     // finish has begun
	interest interest // what the poller watches for, and whether it is a newcomer

	// Guarded by mu.
	writing     bool // somebody writes, and writes on until the queue is empty
	blocked     bool // the loop writes on when the socket has room
	halfClosed  bool // our side is ended
	wantDrained bool
	attended    bool // the loop has been asked to attend to it
}

// Welcome has the connection served like any other. Until then one that [Group.Serve] has accepted as a bare socket is a
// newcomer: however many of these have something to say, a turn reads from few of them, so that many who come at once do
// not have those wait who are there. Only c's loop may call it.
func (c *Conn) Welcome() {
	before := c.interest
	c.interest &^= newcomer
	if before == c.interest || c.stream != nil || c.phase.Load() >= phaseClosing {
		return
	}
	poller := c.loop.poller
	poller.remove(int(c.fd), before)
	if err := poller.add(int(c.fd), c.slot, c.interest); err != nil {
		c.Close(err)
	}
}

// rare is what few connections have, and all at their end. It is guarded by mu; grace is the
// loop's once CloseWith has set it.
type rare struct {
	cause error         // for Handler.Closed
	grace time.Duration // of CloseWith
	limit int32         // of SetQueueLimit
}

// rareLocked returns it, to be changed.
func (c *Conn) rareLocked() *rare {
	if c.rare == nil {
		c.rare = &rare{limit: int32(c.loop.group.bounds.queue.Load())}
	}
	return c.rare
}

// peer is an address and a port. An AddrPort takes almost twice as much.
type peer struct {
	addr [16]byte
	port uint16
}

func peerOf(a netip.AddrPort) peer { return peer{addr: a.Addr().As16(), port: a.Port()} }

// addrPort is the zero AddrPort for what was made of none.
func (p *peer) addrPort() netip.AddrPort {
	if *p == (peer{}) {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(p.addr).Unmap(), p.port)
}

// The phases of a connection, in their order.
const (
	phaseOpen      uint32 = iota
	phaseFinishing        // by CloseAfterFlush: the queue goes out, what comes in is thrown away
	phaseClosing          // the loop has yet to end it
	phaseClosed
)

// interest is what a socket is watched for, and among whom.
type interest uint8

const (
	readable interest = 1 << iota
	writable
	newcomer // one of those of whom few are told of in one wait
)

// RemoteAddr is the peer's address; the zero AddrPort when it has none, as the
// ends of a net.Pipe.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote.addrPort() }

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

// Unread is what Handler.Data has left of what has come, also in Handler.Closed. It is valid until the call returns. For the
// loop only.
func (c *Conn) Unread() []byte {
	if rest := c.rest(); rest != nil {
		return rest.bytes()
	}
	return nil
}

// PostSoon has fn called by the connection's loop in a millisecond or two, even if the connection is closed by then, unless
// the loop has ended. What leads to it must be bounded, as for Post. For the loop only.
func (c *Conn) PostSoon(fn func(*Turn)) {
	c.loop.soon.push(soonPost{at: c.loop.turn.Now.Add(breath), fn: fn})
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
// meanwhile. A connection whose Opener calls it is not read from at all, nor are hands shaken
// for TLS. For the loop only.
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

// Hand gives the connection to another handler, which has every call from now on, Closed included. It is for a call of
// the present one, but Data, in the loop.
func (c *Conn) Hand(to Handler) { c.handler = to }

// Handler is who has the calls; for the Opener what Config.New has made with the connection, or nil. For the loop only.
func (c *Conn) Handler() Handler { return c.handler }

// Turn is the turn of the loop that is under way. For the loop only.
func (c *Conn) Turn() *Turn { return &c.loop.turn }

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
