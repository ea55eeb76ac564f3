package poll

import (
	"errors"
	"net"
	"sync"
)

// stream is what a Conn has in addition when it is a net.Conn: a goroutine that
// reads, and now and then one that writes.
type stream struct {
	conn net.Conn
	took chan struct{} // the loop has consumed what was given; closed at the end

	// Guarded by mu.
	mu      sync.Mutex
	pending []byte // lent to the loop until it sends on took
	err     error  // behind pending
}

func newStream(nc net.Conn) *stream {
	return &stream{conn: nc, took: make(chan struct{}, 1)}
}

// read reads until there is an error or the connection is ended, and gives the
// loop one piece after another. An idle connection holds the smallest buffer.
func (s *stream) read(c *Conn) {
	pool, limit := &c.loop.group.pool, c.loop.group.cfg.ReadBuffer
	size := minBuffer
	for {
		b := pool.get(size)
		n, err := s.conn.Read(b.b[:min(cap(b.b), limit)])
		s.give(b.b[:n], err)
		c.attend()
		open := true
		if n > 0 {
			_, open = <-s.took
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

func (s *stream) give(b []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending, s.err = b, err
}

// given is for the loop, which must call next when it is done with b.
func (s *stream) given() (b []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err = s.pending, s.err
	s.pending, s.err = nil, nil
	return b, err
}

// next has the goroutine read on. For the loop.
func (s *stream) next() { s.took <- struct{}{} }

// maxStreamWrite is the longest write to a stream. It blocks until all of it is
// taken, so that a long one would hide that a slow peer takes any: Conn.Queued
// shrinks by such steps. A record of TLS holds as much.
const maxStreamWrite = 16 << 10

// write writes the front of what is queued.
func (s *stream) write(views [][]byte) (int, error) {
	return s.conn.Write(views[0][:min(len(views[0]), maxStreamWrite)])
}

// halfClose ends our side, or says that this cannot be done.
func (s *stream) halfClose() error {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// close is called once, by the loop. The last words of TLS may take their time,
// which must not be the loop's.
func (s *stream) close(l *loop) {
	close(s.took)
	l.streams.Go(func() {
		if err := s.conn.Close(); err != nil {
			l.group.cfg.Logger.WithError(err).Debug("close connection")
		}
	})
}
