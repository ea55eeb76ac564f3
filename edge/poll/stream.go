package poll

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// stream is what a Conn has in addition when it is a net.Conn: a goroutine that
// reads, and now and then one that writes.
type stream struct {
	took chan struct{} // the loop has consumed what was given; closed at the end

	// Owned by the loop.
	started bool

	// Guarded by mu.
	mu      sync.Mutex
	conn    net.Conn
	reading bool   // from conn, under way
	under   *under // what was read meanwhile goes there; nil when conn is none's layer
	pending []byte // lent to the loop until it sends on took
	err     error  // behind pending
}

func newStream(nc net.Conn) *stream {
	return &stream{conn: nc, took: make(chan struct{}, 1)}
}

// start has goroutines read, of which the first shakes hands where that is to be done: a
// handshake needs much more of a stack than what comes after it, and a goroutine keeps what
// it has needed. For the loop.
func (s *stream) start(c *Conn) {
	s.started = true
	streams := &c.loop.streams
	shaker, ok := s.top().(interface{ HandshakeContext(context.Context) error })
	if !ok {
		streams.Go(func() { s.read(c) })
		return
	}
	streams.Go(func() {
		// The first read is told of the same error.
		_ = shaker.HandshakeContext(context.Background()) // until the connection ends
		streams.Go(func() { s.read(c) })
	})
}

// read reads until there is an error or the connection is ended, and gives the
// loop one piece after another. An idle connection holds the smallest buffer.
func (s *stream) read(c *Conn) {
	pool, limit := &c.loop.group.pool, c.loop.group.cfg.ReadBuffer
	size := minBuffer
	for {
		b := pool.get(size)
		conn, n, err := s.readOnce(b.b[:min(cap(b.b), limit)])
		c.attend()
		_, open := <-s.took
		if s.top() != conn {
			err = nil // a layer has come, and it has the error
		}
		if n == cap(b.b) {
			size = min(2*size, maxBuffer)
		} else {
			size = minBuffer
		}
		pool.put(b)
		if err != nil || !open {
			return
		}
	}
}

// readOnce gives the loop what it reads from what is on top then: what was read from below
// a layer that has come meanwhile is the layer's.
func (s *stream) readOnce(b []byte) (from net.Conn, n int, err error) {
	for {
		s.mu.Lock()
		conn := s.conn
		s.reading = true
		s.mu.Unlock()
		n, err := conn.Read(b)
		if covered := s.readFrom(conn, b[:n], err); !covered && (n > 0 || err != nil) {
			return conn, n, err
		} // io.Reader may return nothing and no error
	}
}

// readFrom takes what was read from conn, and tells whether conn is covered by a layer by
// now.
func (s *stream) readFrom(conn net.Conn, b []byte, err error) (covered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if s.conn != conn {
		if s.under != nil { // else it is closed
			s.under.unread(b, err)
		}
		return true
	}
	s.pending, s.err = b, err
	return false
}

// given is for the loop, which must call next when it is done with b.
func (s *stream) given() (b []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.givenLocked()
}

func (s *stream) givenLocked() (b []byte, err error) {
	b, err = s.pending, s.err
	s.pending, s.err = nil, nil
	return b, err
}

// next has the goroutine read on. For the loop.
func (s *stream) next() { s.took <- struct{}{} }

// cover puts a layer on top, behind rest, which nobody has taken. Nobody may be writing.
// For the loop.
func (s *stream) cover(layer func(net.Conn) net.Conn, rest []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.givenLocked()
	s.under = newUnder(s.conn, append(rest, b...), err)
	if s.reading {
		s.under.interrupt()
	} else {
		close(s.under.ready)
	}
	s.conn = layer(s.under)
	if len(b) > 0 || err != nil {
		s.next()
	}
}

// top is what is read from and written to.
func (s *stream) top() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

// maxStreamWrite is the longest write to a stream. It blocks until all of it is
// taken, so that a long one would hide that a slow peer takes any: Conn.Queued
// shrinks by such steps. A record of TLS holds as much.
const maxStreamWrite = 16 << 10

// write writes the front of what is queued.
func (s *stream) write(views [][]byte) (int, error) {
	return s.top().Write(views[0][:min(len(views[0]), maxStreamWrite)])
}

// halfClose ends our side, or says that this cannot be done.
func (s *stream) halfClose() error {
	if half, ok := s.top().(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// close is called once, by the loop. The last words of TLS may take their time,
// which must not be the loop's.
func (s *stream) close(l *loop) {
	close(s.took)
	l.streams.Go(func() {
		if err := s.top().Close(); err != nil {
			l.group.cfg.Logger.WithError(err).Debug("close connection")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conn, s.under = closed{}, nil // whoever keeps the Conn keeps no state of TLS
	})
}

// closed is a connection of which nothing is left.
type closed struct{}

func (closed) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (closed) Write([]byte) (int, error)        { return 0, net.ErrClosed }
func (closed) Close() error                     { return nil }
func (closed) LocalAddr() net.Addr              { return nil }
func (closed) RemoteAddr() net.Addr             { return nil }
func (closed) SetDeadline(time.Time) error      { return net.ErrClosed }
func (closed) SetReadDeadline(time.Time) error  { return net.ErrClosed }
func (closed) SetWriteDeadline(time.Time) error { return net.ErrClosed }
