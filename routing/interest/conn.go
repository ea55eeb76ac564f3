package interest

import (
	"net"
	"sync"
	"time"
)

const (
	// writeTimeout bounds a write to a broker that does not read. The connection is given up then.
	writeTimeout = 3 * time.Second

	// chunk is how much is written within writeTimeout.
	chunk = 1 << 18

	// maxBuffer is how much room is kept between writes.
	maxBuffer = 1 << 16

	// endsWait is how long the end of a subscription waits for others to be written with, or for
	// whatever the library has to write.
	endsWait = time.Millisecond
)

// conn is what the library takes for its connection.
type conn struct {
	net.Conn // reads go straight there

	dialer *dialer
	secure bool // TLS was agreed on

	writing sync.Mutex
	buffer  []byte // guarded by writing

	// Guarded by dialer.mu.
	pending []byte // whole operations of ours, to be written before anything else
	soon    bool   // a timer will
}

// Write writes whole operations of the library, with ours before them, and all names of a channel
// behind its SUB.
func (c *conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	n, err := c.write(c.with(p))
	if err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

// with returns what is to be written for p, valid until it is called again. The writing lock
// is held.
func (c *conn) with(p []byte) []byte {
	d := c.dialer
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != c {
		return p
	}
	all := c.pending
	c.pending, c.buffer = c.buffer[:0], nil
	for _, of := range d.channels {
		if of.on == c {
			continue
		}
		if end := of.seen(p); end > 0 {
			of.on = c
			all = of.appendAll(append(all, p[:end]...))
			p = p[end:]
		}
	}
	if len(all) > 0 {
		all = append(all, p...)
	}
	if cap(all) <= maxBuffer {
		c.buffer = all
	}
	if len(all) == 0 {
		return p
	}
	return all
}

// write writes b, and gives the connection up if it cannot: half an operation may have been
// written, or one of ours be lost that nobody would miss.
func (c *conn) write(b []byte) (n int, err error) {
	for len(b) > 0 {
		if err = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err == nil {
			var w int
			w, err = c.Conn.Write(b[:min(len(b), chunk)])
			n += w
			b = b[w:]
		}
		if err != nil {
			_ = c.Close() // the library's reader sees it
			return n, err
		}
	}
	return n, nil
}

// writeSoonLocked sees to it that what is pending is written though the library has nothing to
// write. The dialer is locked.
func (c *conn) writeSoonLocked() {
	if !c.soon {
		c.soon = true
		time.AfterFunc(endsWait, c.writePending)
	}
}

func (c *conn) writePending() {
	c.writing.Lock() // before there may be another timer: few wait for a broker that does not read
	defer c.writing.Unlock()
	c.dialer.mu.Lock()
	c.soon = false
	c.dialer.mu.Unlock()
	_, _ = c.write(c.with(nil)) // the connection is given up when it cannot, and who reads it is told
}

// SetWriteDeadline does nothing: each write has its own, and the library's would be that of a write of ours.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// Close closes the connection. Nothing is noted for it any more.
func (c *conn) Close() error {
	c.dialer.mu.Lock()
	if c.dialer.current == c {
		c.dialer.current = nil
	}
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
