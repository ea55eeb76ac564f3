package load

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tally is what has become of messages with numbers from 0 on. What happens to one
// number is noted by one goroutine for each kind of event: its sender's or its
// recipient's.
type tally struct {
	start    time.Time     // when message 0 is due
	interval time.Duration // between two

	sent                                      atomic.Int64 // or tried to be
	accepted, delivered, dispatched, received events

	disordered atomic.Int64

	mu    sync.Mutex
	fault string // the first that a client has met with
	fails int
}

// events are how often something happened to each message, and when for the first time.
type events struct {
	count []uint8
	late  []int32 // after it was due, in µs
	total atomic.Int64
	twice atomic.Int64
}

func newTally(n int, rate int) *tally {
	t := &tally{interval: time.Second / time.Duration(rate)}
	for _, e := range t.kinds() {
		e.count, e.late = make([]uint8, n), make([]int32, n)
	}
	return t
}

func (t *tally) kinds() []*events {
	return []*events{&t.accepted, &t.delivered, &t.dispatched, &t.received}
}

func (t *tally) len() int { return len(t.accepted.count) }

// due is when a message is to be sent.
func (t *tally) due(k int) time.Time { return t.start.Add(time.Duration(k) * t.interval) }

// note notes an event of message k.
func (e *events) note(t *tally, k int, now time.Time) {
	if k < 0 || k >= len(e.count) {
		t.fail("an id that was never sent: %d", k)
		return
	}
	if e.count[k] > 0 {
		e.twice.Add(1)
		return
	}
	e.count[k]++
	e.late[k] = int32(min(now.Sub(t.due(k)).Microseconds(), 1<<31-1))
	e.total.Add(1)
}

// fail notes what should not have happened to a client.
func (t *tally) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fails++; t.fails == 1 {
		t.fault = fmt.Sprintf(format, args...)
	}
}

// trouble returns how often fail was called, and with what at first.
func (t *tally) trouble() (int, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fails, t.fault
}

// between returns the delays of the messages from one number up to another.
func (e *events) between(from, to int) delays {
	var d delays
	for k := from; k < to; k++ {
		if e.count[k] > 0 {
			d = append(d, e.late[k])
		}
	}
	slices.Sort(d)
	return d
}

// delays are in µs, and sorted.
type delays []int32

// at returns the delay that a share of the messages does not exceed.
func (d delays) at(share float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	i := min(int(share*float64(len(d))), len(d)-1)
	return time.Duration(d[i]) * time.Microsecond
}

// sorted sorts them.
func (d delays) sorted() delays {
	slices.Sort(d)
	return d
}

// String is the shares that reports give.
func (d delays) String() string {
	var b strings.Builder
	for _, p := range []float64{50, 99, 99.9} {
		fmt.Fprintf(&b, "p%g %s  ", p, round(d.at(p/100)))
	}
	return b.String() + "max " + round(d.at(1)).String()
}

// round takes away digits that nobody reads.
func round(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 100*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
