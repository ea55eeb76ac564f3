package nowait

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// conn is a socket of package net whose waiting is its own, and whose calls are ours.
type conn struct {
	net.Conn
	raw           syscall.RawConn
	reads, writes transfer
}

// transfer is one direction.
type transfer struct {
	mu   sync.Mutex
	move func(fd uintptr) (done bool) // made once, so that no call allocates
	b    []byte
	n    int
	err  error
}

// Conn returns a connection that is c, but for its calls being those of this package. A connection that is no socket
// of the system is returned as it is.
func Conn(c net.Conn) net.Conn {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return c
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return c // it is closed, and says so
	}
	w := &conn{Conn: c, raw: raw}
	w.reads.by(Read)
	w.writes.by(Write)
	return w
}

func (t *transfer) by(call func(fd int, b []byte) (int, error)) {
	t.move = func(fd uintptr) (done bool) {
		for {
			t.n, t.err = call(int(fd), t.b)
			if !errors.Is(t.err, unix.EINTR) {
				return !errors.Is(t.err, unix.EAGAIN)
			}
		}
	}
}

// some moves some of b, as soon as any can be moved. The transfer is locked.
func (t *transfer) some(wait func(func(fd uintptr) bool) error, b []byte) (int, error) {
	t.b, t.n, t.err = b, 0, nil
	err := wait(t.move)
	t.b = nil
	if err != nil {
		return 0, err // it is closed, or too late
	}
	return t.n, t.err
}

// Read is that of net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	n, err := c.reads.some(c.raw.Read, b)
	switch {
	case err != nil:
		return 0, c.failure("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write is that of net.Conn.
func (c *conn) Write(b []byte) (written int, err error) {
	c.writes.mu.Lock() // until all is written: nobody else's comes between
	defer c.writes.mu.Unlock()
	for written < len(b) {
		n, err := c.writes.some(c.raw.Write, b[written:])
		written += n
		if err != nil {
			return written, c.failure("write", err)
		}
	}
	return written, nil
}

// failure is an error as package net has it.
func (c *conn) failure(op string, err error) error {
	var told *net.OpError
	if errors.As(err, &told) { // package net's own, whose Op is that of a RawConn
		err = told.Err
	} else {
		err = os.NewSyscallError(op, err)
	}
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// SyscallConn is that of syscall.Conn.
func (c *conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }
