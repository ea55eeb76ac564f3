package poll

import (
	"sync"
	"sync/atomic"
	"time"
)

// Those who are not welcome yet, see Conn.Welcome, may be thousands at once, and may never be more. A loop does a few things
// for them in a turn: adopts some, reads from some, calls some whose deadline has passed. When others talk it is one thing for one of
// them, each kind in its turn, and then the loop rests: it does nothing for newcomers for restParts times as long as that took. So they have a quarter of
// the loop's time, in pieces as short as can be, however many come; who is there does not wait for more than a piece, and whatever
// else shares the processor, such as the broker, has its turn between two. Those who are adopted have a time to become more
// than newcomers, which does not run for those who are not.
const (
	newcomersOfTurn = 16 // when nobody else talks
	leastAdopted    = 2  // of these, and called, while there are so many to be read from

	talkTime  = 20 * time.Millisecond // for which somebody who has said something, or was told something, talks
	restParts = 3
	maxRest   = 5 * time.Millisecond // however long a piece took: the process may have stood still

	// maxArriving is how many that were accepted wait for a loop, for each. The system keeps the others, and accepting
	// has its rests, too.
	maxArriving = 4
)

// newcomers is what a loop knows of them, and of the others as far as it matters to them.
type newcomers struct {
	told atomic.Bool // somebody was given something to write since the loop looked. For anybody

	// Owned by the loop.
	talked time.Time // when others did last
	rest   time.Time // before which nothing is done
	due    []*Conn   // whose deadline has passed
	fired  int       // how many of these have been called
	read   bool      // the last thing was to read from one, while others talked
	called bool      // the last thing else was to call one
}

// now is how many newcomers may be read from, adopted or called; 0 is none, before the rest is over.
func (n *newcomers) now(now time.Time) int {
	switch {
	case now.Before(n.rest):
		return 0
	case now.Sub(n.talked) < talkTime:
		return 1
	}
	return newcomersOfTurn
}

// reads is how many may be read from, of so many for which something may be done. While others talk it is none after one, if
// others wait to be adopted or called.
func (n *newcomers) reads(most int, arrivals bool) int {
	if most == 1 && n.read && (n.waiting() || arrivals) {
		return 0
	}
	return most
}

// calls tells whether one is to be called next, and not adopted: each in its turn, if there is one.
func (n *newcomers) calls(arrivals bool) bool {
	n.called = n.waiting() && !(n.called && arrivals)
	return n.called
}

// waiting tells whether some wait to be called.
func (n *newcomers) waiting() bool { return n.fired < len(n.due) }

// next is when something may be done again, if that is sooner than another time, which is never when it is zero.
func (n *newcomers) next(other time.Time) time.Time {
	if other.IsZero() || n.rest.Before(other) {
		return n.rest
	}
	return other
}

// serveNewcomers reads from those of the events, and does something for most at most, or none when it is 0: as many in all are adopted or
// called, but for the least number of each when nobody else talks.
func (l *loop) serveNewcomers(events []ready, most int) {
	n := &l.newcomers
	if most == 0 {
		return
	}
	began := time.Now()
	for _, e := range events {
		l.ready(e)
	}
	done := len(events)
	if most == 1 {
		switch n.read = done > 0; {
		case n.read:
		case n.calls(l.inbox.hasArrivals()):
			done = l.callSome(1)
		default:
			done = l.adoptSome(1)
		}
	} else {
		least := min(most, leastAdopted)
		done += l.adoptSome(max(most-done, least))
		done += l.callSome(max(most-done, least))
	}
	if done > 0 && most < newcomersOfTurn {
		now := time.Now()
		n.rest = now.Add(min(restParts*now.Sub(began), maxRest))
	}
}

// adoptSome adopts so many at most, and returns how many.
func (l *loop) adoptSome(most int) int {
	arrivals := l.inbox.arrivals(l.arrivals[:0:most])
	for i, p := range arrivals {
		arrivals[i] = post{}
		l.do(p)
	}
	l.group.arriving.less(len(arrivals))
	return len(arrivals)
}

// callSome calls so many at most, and returns how many.
func (l *loop) callSome(most int) (called int) {
	n := &l.newcomers
	for ; called < most && n.waiting(); called++ {
		c := n.due[n.fired]
		n.due[n.fired] = nil
		n.fired++
		l.call(c)
	}
	if !n.waiting() {
		n.due, n.fired = n.due[:0], 0
	} else if n.fired > maxKept && n.fired > len(n.due)/2 {
		left := copy(n.due, n.due[n.fired:])
		clear(n.due[left:])
		n.due, n.fired = n.due[:left], 0
	}
	return called
}

// arriving counts the newcomers that were accepted and wait for their loops.
type arriving struct {
	most int // set when it is made and not changed

	mu   sync.Mutex
	n    int
	room sync.Cond
}

func (a *arriving) begin(loops int) { a.most, a.room.L = maxArriving*loops, &a.mu }

// more counts one, and waits until there is room for another, or until done tells that it is over, after a wake.
func (a *arriving) more(over func() bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.n++; a.n >= a.most && !over(); {
		a.room.Wait()
	}
}

func (a *arriving) less(n int) {
	if n == 0 {
		return
	}
	a.mu.Lock()
	a.n -= n
	a.mu.Unlock()
	a.room.Broadcast()
}

// wake has those who wait look again whether it is over.
func (a *arriving) wake() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.room.Broadcast()
}
