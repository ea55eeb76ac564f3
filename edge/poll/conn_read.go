package poll

import (
	"errors"
	"io"
)

// read reads once from a socket, whatever is there: who sends much waits for
// its next turn like the others.
func (l *loop) read(c *Conn, hup bool) {
	if c.phase.Load() >= phaseClosing || c.ended {
		return
	}
	if c.paused {
		if hup { // is told whether or not one watches for it
			c.Close(socketError(int(c.fd)))
		}
		return
	}
	n, err := socketRead(int(c.fd), l.buf[headroom:])
	if errors.Is(err, errBlocked) {
		return
	}
	l.stats.reads.Add(1)
	if n > 0 {
		l.stats.bytesIn.Add(uint64(n))
		l.arrived(c, l.buf, headroom, headroom+n)
	}
	if err != nil {
		l.readEnded(c, err)
		l.watch(c)
	}
}

// readStream takes what the reading goroutine has to give.
func (l *loop) readStream(c *Conn) {
	if c.paused || c.phase.Load() >= phaseClosing {
		return
	}
	b, err := c.stream.given()
	if len(b) == 0 && err == nil {
		return
	}
	l.stats.reads.Add(1)
	if len(b) > 0 {
		l.stats.bytesIn.Add(uint64(len(b)))
		l.arrived(c, b, 0, len(b))
	}
	if err != nil {
		l.readEnded(c, err)
	}
	c.stream.next()
}

// arrived gives buf[from:to] to the handler. It borrows buf, and buf[:from] is
// free.
func (l *loop) arrived(c *Conn, buf []byte, from, to int) {
	if c.phase.Load() != phaseOpen {
		return // finishing: thrown away
	}
	if c.rest == nil {
		l.give(c, buf[from:to])
		return
	}
	size := c.rest.len() + to - from
	if size < c.need || c.rest.len() > from {
		c.rest = l.group.pool.extend(c.rest, buf[from:to])
		if size >= c.need {
			l.give(c, c.rest.bytes())
		} else if size > l.group.cfg.MaxUnread {
			c.Close(ErrTooLong)
		}
		return
	}
	from -= copy(buf[from-c.rest.len():], c.rest.bytes())
	l.dropRest(c)
	l.give(c, buf[from:to])
}

// resume gives the rest to the handler again after a pause.
func (l *loop) resume(c *Conn) {
	if !c.resumed || c.paused {
		return
	}
	c.resumed = false
	if c.rest != nil && c.rest.len() >= c.need {
		l.give(c, c.rest.bytes())
	}
}

// give calls the handler with b, which may be the bytes of the rest, and keeps
// what it leaves.
func (l *loop) give(c *Conn, b []byte) {
	n, need := c.handler.Data(&l.turn, b)
	c.need = need
	l.keep(c, b[n:])
}

// keep makes left, which may be the end of the rest, the rest.
func (l *loop) keep(c *Conn, left []byte) {
	pool := &l.group.pool
	switch {
	case len(left) == 0 || c.phase.Load() != phaseOpen:
		l.dropRest(c)
	case len(left) > l.group.cfg.MaxUnread:
		l.dropRest(c)
		c.Close(ErrTooLong)
	case c.rest == nil:
		c.rest = pool.extend(pool.get(len(left)), left)
	case cap(c.rest.b) > minBuffer && len(left) <= cap(c.rest.b)/4:
		smaller := pool.extend(pool.get(len(left)), left)
		pool.put(c.rest)
		c.rest = smaller
	default:
		c.rest.b = c.rest.b[:copy(c.rest.b, left)]
	}
}

// dropRest gives the rest's buffer back.
func (l *loop) dropRest(c *Conn) {
	if c.rest != nil {
		l.group.pool.put(c.rest)
		c.rest = nil
	}
}

// readEnded is told why there is nothing more to read.
func (l *loop) readEnded(c *Conn, err error) {
	if c.phase.Load() != phaseFinishing {
		c.Close(err)
		return
	}
	c.ended = true
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halfClosed {
		c.closeLocked(nil)
	} else if !errors.Is(err, io.EOF) {
		c.closeLocked(err)
	} // else the peer only ended its side, and may still read
}
