package poll

import (
	"sync"
	"sync/atomic"
	"time"
)

// headroom is the free space in front of a loop's read buffer, where the rest
// of what came before is put so that it need not be moved elsewhere.
const headroom = 4 << 10

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
	known sync.Mutex // see conns

	// Owned by the loop.
	turn      Turn
	wheel     wheel
	soon      soon
	due       []*Conn // whose deadline has passed
	fired     int     // how many of these have been called
	buf       []byte  // headroom, and then what was read
	conns     []*Conn // by slot; written with known locked, so that others may read it
	open      int     // how many conns there are
	free      []int32 // slots without a conn
	holding   holding
	newcomers newcomers
	arrivals  []post // room for those of a turn
	stopping  bool   // ends when the last connection has
}

func newLoop(g *Group, p poller) *loop {
	l := &loop{group: g, poller: p, arrivals: make([]post, 0, newcomersOfTurn)}
	l.turn.Now = time.Now()
	l.wheel.start = l.turn.Now
	return l
}

// run works until the loop is stopped and its last connection is closed.
func (l *loop) run() error {
	defer l.streams.Wait()
	defer l.poller.close()
	l.buf = make([]byte, headroom+l.group.cfg.ReadBuffer)
	l.turn.Now = time.Now()
	for !l.stopping || l.open > 0 || !l.inbox.seal() {
		newcomers := l.newcomers.now(l.turn.Now)
		resting := newcomers == 0
		sleep := l.fired == len(l.due) && (resting || !l.newcomers.waiting()) && l.inbox.sleep(resting)
		var busy time.Duration
		if sleep {
			busy = time.Since(l.turn.Now)
		}
		until := l.soon.next(l.wheel.next())
		if resting {
			until = l.newcomers.next(until)
		}
		here, late, err := l.poller.wait(sleep, until, l.newcomers.reads(newcomers, l.inbox.hasArrivals()))
		if err != nil {
			l.abandon(err)
			return err
		}
		now := time.Now()
		if !sleep { // nor did it while it looked
			busy = now.Sub(l.turn.Now)
		}
		l.turn.Now = now
		l.stats.turns.Add(1)
		l.stats.busy.Add(int64(busy))
		if len(here) > 0 || l.newcomers.told.Load() {
			l.newcomers.told.Store(false)
			l.newcomers.talked = now
		}
		for _, e := range here {
			l.ready(e)
		}
		l.serveNewcomers(late, newcomers)
		l.work()
		l.fire()
		l.turn.Batch.Flush()
	}
	return nil
}

// work does what was posted.
func (l *loop) work() {
	for _, p := range l.inbox.take() {
		l.do(p)
	}
	for fn := l.soon.pop(l.turn.Now); fn != nil; fn = l.soon.pop(l.turn.Now) {
		fn(&l.turn)
	}
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

// timersOfTurn is how many are called in a turn because their deadline has passed. A tick of the wheel has hundreds where
// very many are pinged, or come to their turn, and those who have something to say wait for no more than these, or a
// sixteenth of them, so that they do not fall behind where turns are long.
const timersOfTurn = 8

// fire calls some whose deadline has passed.
func (l *loop) fire() {
	if l.fired == len(l.due) {
		l.due, l.fired = l.wheel.advance(l.turn.Now, l.due[:0]), 0
	}
	for range min(max(timersOfTurn, len(l.due)/16), len(l.due)-l.fired) {
		c := l.due[l.fired]
		l.due[l.fired] = nil
		l.fired++
		if c.interest&newcomer != 0 {
			l.newcomers.due = append(l.newcomers.due, c)
		} else {
			l.call(c)
		}
	}
}

// call calls one whose deadline has passed.
func (l *loop) call(c *Conn) {
	if c.timer.deadline == 0 || c.timer.deadline > l.wheel.now {
		return // moved meanwhile
	}
	switch c.phase.Load() {
	case phaseOpen:
		c.timer.deadline = 0
		c.handler.Timer(&l.turn)
	case phaseFinishing:
		c.finishTimedOut()
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
		l.adoptSome(newcomersOfTurn)
		l.work()
	}
}
