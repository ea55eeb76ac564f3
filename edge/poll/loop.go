package poll

import (
	"sync"
	"sync/atomic"
	"time"
)

// headroom is the free space in front of a loop's read buffer, where the rest
// of what came before is put so that it need not be moved elsewhere.
const headroom = 4 << 10

// ready tells that a socket is ready.
type ready struct {
	slot int32
	what interest
	hup  bool // there is an error, or both sides are ended
}

// poller is how a loop sleeps. All but wake is for the loop alone.
type poller interface {
	// wait returns the sockets that are ready. If there are none and sleep is
	// set, it waits for one, for wake, or until the time, unless that is zero.
	// The slice is valid until the next call.
	wait(sleep bool, until time.Time) ([]ready, error)
	// wake ends a wait, or the next one.
	wake()

	add(fd int, slot int32, what interest) error
	change(fd int, slot int32, what interest) error
	remove(fd int)
	close()
}

// loop serves its connections on one goroutine.
type loop struct {
	// Set when it is made and not changed.
	group   *Group
	poller  poller
	streams sync.WaitGroup // the goroutines of connections that are no sockets

	// For anybody.
	inbox inbox
	load  atomic.Int64 // connections given to it
	stats counters

	// Owned by the loop.
	turn     Turn
	wheel    wheel
	due      []*Conn
	buf      []byte  // headroom, and then what was read
	conns    []*Conn // by slot
	open     int     // how many conns there are
	free     []int32 // slots without a conn
	freed    []int32 // likewise, but events of this turn may still name them
	stopping bool    // ends when the last connection has
}

func newLoop(g *Group, p poller) *loop {
	l := &loop{group: g, poller: p}
	l.turn.Now = time.Now()
	l.wheel.start = l.turn.Now
	return l
}

// run works until the loop is stopped and its last connection is closed.
func (l *loop) run() error {
	defer l.streams.Wait()
	defer l.poller.close()
	l.buf = make([]byte, headroom+l.group.cfg.ReadBuffer)
	for !l.stopping || l.open > 0 || !l.inbox.seal() {
		events, err := l.poller.wait(l.inbox.sleep(), l.wheel.next())
		if err != nil {
			l.abandon(err)
			return err
		}
		l.turn.Now = time.Now()
		l.stats.turns.Add(1)
		for _, e := range events {
			l.ready(e)
		}
		for _, p := range l.inbox.take() {
			l.do(p)
		}
		l.fire()
		l.turn.Batch.Flush()
		l.free = append(l.free, l.freed...)
		l.freed = l.freed[:0]
	}
	return nil
}

// post hands p to the loop, and says whether there still is one.
func (l *loop) post(p post) bool {
	wake, ok := l.inbox.push(p)
	if wake {
		l.stats.wakes.Add(1)
		l.poller.wake()
	}
	return ok
}

// stop has run return when the last connection is closed. With cut it closes
// them all.
func (l *loop) stop(cut bool) {
	l.post(post{fn: func(*Turn) {
		l.stopping = true
		for _, c := range l.conns {
			if cut && c != nil {
				c.Close(ErrClosed)
			}
		}
	}})
}

// discard closes a loop that is never run, and the connections that it was
// given meanwhile.
func (l *loop) discard() {
	l.stopping = true
	l.abandon(ErrClosed)
	l.streams.Wait()
	l.poller.close()
}

func (l *loop) ready(e ready) {
	c := l.conns[e.slot]
	if c == nil {
		return // closed in this turn
	}
	if e.what&readable != 0 {
		l.read(c, e.hup)
	}
	if e.what&writable != 0 {
		c.unblocked()
		l.watch(c)
	}
}

func (l *loop) do(p post) {
	if p.fn != nil {
		p.fn(&l.turn)
	} else {
		l.attend(p.c)
	}
}

// adopt makes c, which nobody knows yet, one of the loop's connections.
func (l *loop) adopt(c *Conn, open Opener) {
	if n := len(l.free); n > 0 {
		c.slot, l.free = l.free[n-1], l.free[:n-1]
		l.conns[c.slot] = c
	} else {
		c.slot = int32(len(l.conns))
		l.conns = append(l.conns, c)
	}
	l.open++
	c.interest = readable
	c.handler = open(&l.turn, c)
	if c.stream != nil {
		l.streams.Go(func() { c.stream.read(c) })
	} else if err := l.poller.add(int(c.fd), c.slot, c.interest); err != nil {
		c.Close(err)
	}
	if l.stopping {
		c.Close(ErrClosed)
	}
}

// forget removes c from the loop's connections.
func (l *loop) forget(c *Conn) {
	l.conns[c.slot] = nil
	l.freed = append(l.freed, c.slot)
	l.open--
	l.load.Add(-1)
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
		l.readStream(c)
	}
	l.watch(c)
}

// watch tells the poller what c waits for, if that has changed.
func (l *loop) watch(c *Conn) {
	if c.stream != nil || c.phase.Load() >= phaseClosing {
		return
	}
	var want interest
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

// fire calls those whose deadline has passed.
func (l *loop) fire() {
	l.due = l.wheel.advance(l.turn.Now, l.due[:0])
	for i, c := range l.due {
		l.due[i] = nil
		if c.timer.deadline == 0 || c.timer.deadline > l.wheel.now {
			continue // moved by another's Timer
		}
		switch c.phase.Load() {
		case phaseOpen:
			c.timer.deadline = 0
			c.handler.Timer(&l.turn)
		case phaseFinishing:
			c.finishTimedOut()
		}
	}
}

// abandon ends every connection because the loop itself cannot go on.
func (l *loop) abandon(err error) {
	l.stopping = true
	for l.open > 0 || !l.inbox.seal() {
		for _, c := range l.conns {
			if c != nil {
				c.Close(err)
			}
		}
		for _, p := range l.inbox.take() {
			l.do(p)
		}
	}
}
