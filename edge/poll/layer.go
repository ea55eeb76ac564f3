package poll

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// errQueued says that a layer was put on a connection that has something to write.
var errQueued = errors.New("poll: something is queued below a layer")

// Cover puts a layer over the connection, as TLS is: layer is given what is below, and
// from now on what is queued is written to what it returns, and Handler.Data gets what is
// read from that. What has come and is unread is read from below first. The connection
// then has a goroutine that reads, even if it was a bare socket.
//
// Nothing may be queued, and reading must be paused, so that nothing of the layer's is
// given to the handler: call it in Handler.Drained. For the loop only.
func (c *Conn) Cover(layer func(below net.Conn) net.Conn) error {
	c.mu.Lock()
	var why error
	switch {
	case c.phase.Load() != phaseOpen:
		why = ErrClosed
	case c.queued > 0 || c.writing || !c.paused:
		why = errQueued
	default:
		c.writing = true // nobody else may until it is done
	}
	c.mu.Unlock()
	if why != nil {
		return why
	}
	s, err := c.cover(layer)
	c.mu.Lock()
	c.stream, c.writing = s, false
	start := (!c.queue.empty() || c.phase.Load() == phaseFinishing) && c.startWritingLocked()
	c.mu.Unlock()
	if start {
		c.write()
	}
	return err
}

// cover puts the layer over what there is, and returns what there is then.
func (c *Conn) cover(layer func(below net.Conn) net.Conn) (*stream, error) {
	var rest []byte
	if c.rest() != nil {
		rest = append(rest, c.rest().bytes()...)
		c.loop.dropRest(c)
	}
	if c.stream != nil {
		c.stream.cover(layer, rest)
		return c.stream, nil
	}
	below, err := c.loop.release(c)
	if err != nil {
		return nil, err
	}
	s := newStream(below)
	s.cover(layer, rest)
	s.start(c)
	return s, nil
}

// Acknowledged tells how many bytes the peer's system has acknowledged since the
// connection began, of a layer's too, and at least how many more it has yet to: 0 is exact. They
// may differ by what happens between two questions. ok is false where the system does not
// tell. It is a system call or two. For the loop only.
func (c *Conn) Acknowledged() (acknowledged, outstanding uint64, ok bool) {
	if c.stream == nil {
		return socketAcknowledged(int(c.fd))
	}
	raw := rawBelow(c.stream.top())
	if raw == nil {
		return 0, 0, false
	}
	err := raw.Control(func(fd uintptr) { acknowledged, outstanding, ok = socketAcknowledged(int(fd)) })
	return acknowledged, outstanding, ok && err == nil
}

// under is a connection below a layer. What was read from it for nobody is read first.
type under struct {
	net.Conn
	ready chan struct{} // closed when nobody else reads any more

	// Owned by whoever reads for the layer, one at a time, once ready is closed.
	rest []byte
	err  error // behind rest
}

func newUnder(nc net.Conn, rest []byte, err error) *under {
	return &under{Conn: nc, ready: make(chan struct{}), rest: rest, err: err}
}

// interrupt ends a read of nc that is under way; whoever reads then calls unread.
func (u *under) interrupt() {
	// One that cannot be interrupted ends when something comes.
	_ = u.SetReadDeadline(time.Unix(1, 0))
}

// unread gives back what the last reader has read without being one.
func (u *under) unread(b []byte, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) { // interrupt's, as there is no other
		err = nil
	}
	if clearing := u.SetReadDeadline(time.Time{}); err == nil {
		err = clearing
	}
	u.rest = append(u.rest, b...)
	u.err = err
	close(u.ready)
}

// Read is that of net.Conn.
func (u *under) Read(b []byte) (int, error) {
	<-u.ready
	switch {
	case len(u.rest) > 0:
		n := copy(b, u.rest)
		if u.rest = u.rest[n:]; len(u.rest) == 0 {
			u.rest = nil
		}
		return n, nil
	case u.err != nil:
		return 0, u.err
	}
	return u.Conn.Read(b)
}

// NetConn is what is below, as that of tls.Conn.
func (u *under) NetConn() net.Conn { return u.Conn }

// rawBelow is the socket below all layers of nc; nil when there is none.
func rawBelow(nc net.Conn) syscall.RawConn {
	for {
		over, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		nc = over.NetConn()
	}
	socket, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil { // it is closed
		return nil
	}
	return raw
}
