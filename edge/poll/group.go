package poll

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"limegrove/internal/complaint"
)

// Opener makes the handler of a new connection. It is the first call from the
// connection's loop and must not block. It may use c already, and must not
// return nil.
type Opener func(t *Turn, c *Conn) Handler

// Group is a number of loops and the connections that they serve.
type Group struct {
	// Set when it is made and not changed.
	cfg    Config
	bounds bounds // those of cfg that may change
	warn   complaint.Log
	loops  []*loop
	pool   pool

	refusing refusals
	arriving arriving

	// Guarded by mu.
	mu      sync.Mutex
	started bool // by Run, or Close, which leaves nothing to run
}

// NewGroup makes a group. It takes connections at once; Run serves them. Either
// Run or Close must be called to release what it holds.
func NewGroup(cfg Config) (*Group, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Group{cfg: cfg, warn: complaint.Log{Logger: cfg.Logger}}
	g.arriving.begin(cfg.Loops)
	g.bounds.set(Bounds{MaxUnread: cfg.MaxUnread, MaxHeld: cfg.MaxHeld, MaxQueued: cfg.MaxQueued, QueueLimit: cfg.QueueLimit}, cfg.Loops)
	for range cfg.Loops {
		p, err := g.newPoller()
		if err != nil {
			g.Close()
			return nil, fmt.Errorf("poll: make a loop: %w", err)
		}
		g.loops = append(g.loops, newLoop(g, p))
	}
	if cfg.Registerer != nil {
		if err := g.register(cfg.Registerer); err != nil {
			g.Close()
			return nil, err
		}
	}
	return g, nil
}

func (g *Group) newPoller() (poller, error) {
	if g.cfg.Goroutines {
		return newChannelPoller(), nil
	}
	return newPoller()
}

// Run serves the connections until ctx is done and the last of them is closed,
// or until Close. From when ctx is done, new connections are refused, or opened
// only to be closed. It may be called once, and returns nil, or why a loop could not go on;
// the group is closed then.
func (g *Group) Run(ctx context.Context) error {
	if !g.start() {
		return ErrClosed
	}
	defer context.AfterFunc(ctx, func() { g.stop(false) })()
	errs := make([]error, len(g.loops))
	var running sync.WaitGroup
	for i, l := range g.loops {
		running.Go(func() {
			if err := l.run(); err != nil {
				errs[i] = fmt.Errorf("loop %d: %w", i, err)
				g.stop(true)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// Close closes all connections at once, with ErrClosed for their handlers, and
// Run then returns. It does not wait for that. It may be called twice.
func (g *Group) Close() {
	if !g.start() {
		g.stop(true)
		return
	}
	for _, l := range g.loops { // which were never run
		l.discard()
	}
}

// Loops is how many loops there are.
func (g *Group) Loops() int { return len(g.loops) }

// Conns are the connections that its loops have now. Whoever wants to do something with one does it by Conn.Post.
func (g *Group) Conns() (all []*Conn) {
	for _, l := range g.loops {
		l.known.Lock()
		for _, c := range l.conns {
			if c != nil {
				all = append(all, c)
			}
		}
		l.known.Unlock()
	}
	return all
}

// Post has fn called by a loop, 0 being the first, after what the same goroutine has
// posted to it before. It is Conn.Post for what is about no connection.
func (g *Group) Post(loop int, fn func(*Turn)) error {
	if !g.loops[loop].post(post{fn: fn}) {
		return ErrClosed
	}
	return nil
}

// start says whether the caller is the first.
func (g *Group) start() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.started
	g.started = true
	return first
}

func (g *Group) stop(cut bool) {
	for _, l := range g.loops {
		l.stop(cut)
	}
}

// Add takes nc and gives it to a loop, whatever it is: the connection has a
// goroutine that reads. nc.Close must unblock its Read and Write. The error is
// ErrClosed, nc is closed then, and open never called.
func (g *Group) Add(nc net.Conn, open Opener) error {
	if !g.add(arrival{stream: newStream(nc), fd: -1, remote: peerOf(addrPort(nc.RemoteAddr()))}, open) {
		return errors.Join(ErrClosed, nc.Close())
	}
	return nil
}

// arrival is what a connection is made of: a stream, or else a bare socket.
type arrival struct {
	stream *stream
	fd     int32
	among  interest // newcomer, or nothing
	remote peer
}

// conn makes a connection.
func (g *Group) conn(a arrival) *Conn {
	c, h := g.cfg.New()
	c.handler, c.stream, c.fd, c.interest, c.remote = h, a.stream, a.fd, a.among, a.remote
	return c
}

// add makes a connection of a and gives it to the loop with the fewest. If it returns false,
// there is none any more, and the caller still owns what a is made of.
func (g *Group) add(a arrival, open Opener) bool {
	c := g.conn(a)
	l := g.loops[0]
	for _, other := range g.loops[1:] {
		if other.load.Load() < l.load.Load() {
			l = other
		}
	}
	c.loop = l
	l.load.Add(1)
	if !l.post(post{c: c, open: open}) {
		l.load.Add(-1)
		return false
	}
	return true
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
