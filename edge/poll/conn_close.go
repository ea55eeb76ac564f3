package poll

import "time"

// Close ends the connection at once, without what is queued. Its handler gets
// err with the call of Closed, soon but not during this call, and no other call
// after this one, apart from one that is under way. Only the first call counts.
func (c *Conn) Close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(err)
}

func (c *Conn) closeLocked(err error) {
	if c.phase.Load() < phaseClosing {
		c.phase.Store(phaseClosing)
		if err != nil {
			c.rareLocked().cause = err
		}
		c.attendLocked()
	}
}

// CloseAfterFlush ends the connection politely: it takes no more, what is
// queued is written, then our side is ended, and what the peer still sends is
// thrown away until it ends its side too, for at most Config.Linger. Without
// that a system may throw away what the peer has not read yet.
//
// If not everything is written within grace, which must be positive, the
// connection is cut and Handler.Closed gets ErrTimeout. Only the first call
// counts, and a Close.
func (c *Conn) CloseAfterFlush(grace time.Duration) { c.CloseWith(nil, grace) }

// CloseWith is CloseAfterFlush behind one more frame, which it borrows. It queues
// last even if the queue is full, and takes no more in the same step, so that no
// frame of another goroutine gets behind it.
func (c *Conn) CloseWith(last []byte, grace time.Duration) {
	c.mu.Lock()
	if c.phase.Load() != phaseOpen {
		c.mu.Unlock()
		return
	}
	c.queue.append(&c.loop.group.pool, last)
	c.countLocked(len(last))
	c.phase.Store(phaseFinishing)
	c.rareLocked().grace = max(grace, 1)
	c.attendLocked()
	start := c.startWritingLocked()
	c.mu.Unlock()
	if start {
		c.write()
	}
}

// finish is what the loop does for a connection after CloseAfterFlush: it
// bounds the time, and closes when both sides are ended.
func (l *loop) finish(c *Conn, halfClosed bool) {
	if !c.ending {
		c.ending = true
		c.paused = false // to throw away what comes
		l.dropRest(c)
		l.wheel.set(c, l.turn.Now.Add(c.rare.grace))
	}
	if !halfClosed {
		return
	}
	if c.ended || l.group.cfg.Linger < 0 {
		c.Close(nil)
	} else if c.rare.grace > 0 {
		c.rare.grace = 0 // from now on we only linger
		l.wheel.set(c, l.turn.Now.Add(l.group.cfg.Linger))
	}
}

// finishTimedOut is called when the deadline of finish has passed.
func (c *Conn) finishTimedOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halfClosed {
		c.closeLocked(nil)
	} else {
		c.closeLocked(ErrTimeout)
	}
}

// end closes what is below c and makes the last call to its handler. Nobody
// may be writing to its socket.
func (l *loop) end(c *Conn) {
	c.mu.Lock()
	c.phase.Store(phaseClosed)
	c.queue.release(&l.group.pool)
	c.countLocked(-int(c.queued))
	var cause error
	if c.rare != nil {
		cause = c.rare.cause
	}
	c.mu.Unlock()

	l.wheel.unlink(c)
	l.forget(c)
	if c.stream != nil {
		c.stream.close(l)
	} else {
		l.poller.remove(int(c.fd), c.interest)
		socketClose(int(c.fd))
	}
	handler := c.handler
	c.handler = nil
	handler.Closed(&l.turn, cause)
	l.dropRest(c)
	if c.held != nil { // by the handler
		l.letGo(c.held)
	}
}
