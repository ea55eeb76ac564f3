package poll

import "net"

// ready serves a socket. Connections come and go only between the events of a
// turn and its end, so a slot is still that of the socket that e is about.
func (l *loop) ready(e ready) {
	c := l.conns[e.slot]
	if e.what&readable != 0 {
		l.read(c, e.hup)
	}
	if e.what&writable != 0 {
		c.unblocked()
		l.watch(c)
	}
}

func (l *loop) do(p post) {
	switch {
	case p.fn != nil:
		p.fn(&l.turn)
	case p.open != nil:
		l.adopt(p.c, p.open)
	default:
		l.attend(p.c)
	}
}

// adopt makes c, which nobody knows yet, one of the loop's connections.
func (l *loop) adopt(c *Conn, open Opener) {
	l.known.Lock()
	if n := len(l.free); n > 0 {
		c.slot, l.free = l.free[n-1], l.free[:n-1]
		l.conns[c.slot] = c
	} else {
		c.slot = int32(len(l.conns))
		l.conns = append(l.conns, c)
	}
	l.known.Unlock()
	l.open++
	c.handler = open(&l.turn, c)
	if !c.paused {
		c.interest |= readable
	}
	if c.stream != nil {
		l.start(c)
	} else if err := l.poller.add(int(c.fd), c.slot, c.interest); err != nil {
		c.Close(err)
	}
	if l.stopping {
		c.Close(ErrClosed)
	}
}

// forget removes c from the loop's connections.
func (l *loop) forget(c *Conn) {
	l.known.Lock()
	l.conns[c.slot] = nil
	l.known.Unlock()
	l.free = append(l.free, c.slot)
	l.open--
	l.load.Add(-1)
}

// release makes c's socket, which nobody writes to, a net.Conn that no loop looks after.
func (l *loop) release(c *Conn) (net.Conn, error) {
	nc, err := socketConn(int(c.fd))
	if err != nil {
		return nil, err
	}
	l.poller.remove(int(c.fd), c.interest)
	socketClose(int(c.fd))
	c.fd = -1
	return nc, nil
}

// attend does whatever the state of c asks for.
func (l *loop) attend(c *Conn) {
	c.mu.Lock()
	c.attended = false
	phase, halfClosed := c.phase.Load(), c.halfClosed
	busy := c.writing && c.stream == nil
	drained := c.wantDrained && c.queued == 0 && phase == phaseOpen
	if drained {
		c.wantDrained = false
	}
	c.mu.Unlock()

	switch phase {
	case phaseClosed:
		return
	case phaseClosing:
		if !busy {
			l.end(c)
		} // else the writer calls again
		return
	case phaseFinishing:
		l.finish(c, halfClosed)
	case phaseOpen:
		if drained {
			c.handler.Drained(&l.turn)
		}
		l.resume(c)
	}
	if c.stream != nil {
		l.start(c)
		l.readStream(c)
	}
	l.watch(c)
}

// start has a stream read, and shake hands before, once that is not paused.
func (l *loop) start(c *Conn) {
	if !c.paused && !c.stream.started && c.phase.Load() < phaseClosing {
		c.stream.start(c)
	}
}

// watch tells the poller what c waits for, if that has changed.
func (l *loop) watch(c *Conn) {
	if c.stream != nil || c.phase.Load() >= phaseClosing {
		return
	}
	want := c.interest & newcomer
	if !c.paused && !c.ended {
		want |= readable
	}
	c.mu.Lock()
	if c.blocked {
		want |= writable
	}
	c.mu.Unlock()
	if want == c.interest {
		return
	}
	c.interest = want
	if err := l.poller.change(int(c.fd), c.slot, want); err != nil {
		c.Close(err)
	}
}
