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
	rest := c.rest()
	if rest == nil {
		l.give(c, buf[from:to])
		return
	}
	size := rest.len() + to - from
	if size < c.held.need || rest.len() > from {
		h := c.held
		h.rest = l.group.pool.extend(rest, buf[from:to])
		l.recount(h)
		if c.phase.Load() != phaseOpen {
			return // evicted
		}
		if size >= h.need {
			l.give(c, h.rest.bytes())
		} else if size > int(l.group.bounds.unread.Load()) {
			c.Close(ErrTooLong)
		}
		return
	}
	from -= copy(buf[from-rest.len():], rest.bytes())
	l.putRest(c.held) // it has been held for as long as before
	l.give(c, buf[from:to])
}

// resume gives the rest to the handler again after a pause.
func (l *loop) resume(c *Conn) {
	if !c.resumed || c.paused {
		return
	}
	c.resumed = false
	if rest := c.rest(); rest != nil && rest.len() >= c.held.need {
		l.give(c, rest.bytes())
	}
}

// give calls the handler with b, which may be the bytes of the rest, and keeps
// what it leaves.
func (l *loop) give(c *Conn, b []byte) {
	n, need := c.handler.Data(&l.turn, b)
	l.keep(c, b[n:], need)
}

// keep makes left, which may be the end of the rest, the rest. It is to be given again when it has become as long
// as need.
func (l *loop) keep(c *Conn, left []byte, need int) {
	pool := &l.group.pool
	switch {
	case len(left) == 0 || c.phase.Load() != phaseOpen:
		l.dropRest(c)
		return
	case len(left) > int(l.group.bounds.unread.Load()):
		l.dropRest(c)
		c.Close(ErrTooLong)
		return
	}
	h := l.hold(c)
	switch {
	case h.rest == nil:
		h.rest = pool.extend(pool.get(len(left)), left)
	case cap(h.rest.b) > minBuffer && len(left) <= cap(h.rest.b)/4:
		smaller := pool.extend(pool.get(len(left)), left)
		pool.put(h.rest)
		h.rest = smaller
	default: // left is its end
		h.rest.off = len(h.rest.b) - len(left)
	}
	h.need = need
	l.recount(h)
}

// dropRest gives the rest's buffer back.
func (l *loop) dropRest(c *Conn) {
	if h := c.held; h != nil {
		l.putRest(h)
		l.recount(h)
	}
}

// putRest is dropRest without counting, for one that is to have another rest soon.
func (l *loop) putRest(h *held) {
	if h.rest != nil {
		l.group.pool.put(h.rest)
		h.rest, h.need = nil, 0
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
