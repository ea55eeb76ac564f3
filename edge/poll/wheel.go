package poll

import (
	"math/bits"
	"time"
)

const (
	tick  = 100 * time.Millisecond
	slots = 512 // a power of two; deadlines further away pass by more than once
)

// timer is a connection's place in its loop's wheel. The ticks count from the
// wheel's start; 0 is none.
type timer struct {
	deadline   uint32 // when to fire
	due        uint32 // the tick of the slot that it is linked into
	prev, next *Conn
}

// wheel is a timing wheel: a ring of slots, each with the connections that are
// looked at in that tick. Moving a deadline to later only writes it down: the
// connection is found too early and linked again.
type wheel struct {
	start    time.Time
	now      uint32 // the tick up to which slots have been emptied
	slots    [slots]*Conn
	occupied [slots / 64]uint64
}

// set gives c a deadline; the zero time removes it. It may fire up to a tick
// late, never early.
func (w *wheel) set(c *Conn, at time.Time) {
	if at.IsZero() {
		c.timer.deadline = 0 // and is dropped when its slot comes by
		return
	}
	c.timer.deadline = max(w.now+1, w.ticks(at.Sub(w.start)+tick-1))
	if c.timer.due == 0 || c.timer.due > c.timer.deadline {
		w.unlink(c)
		w.link(c)
	}
}

// advance removes the connections whose tick has come from the wheel and
// appends them to due. Those with a later deadline are linked again.
func (w *wheel) advance(now time.Time, due []*Conn) []*Conn {
	to := w.ticks(now.Sub(w.start))
	if to <= w.now {
		return due
	}
	from := w.now + 1
	if to-w.now > slots {
		from = to - slots + 1
	}
	w.now = to
	seen := len(due)
	for at := from; at <= to; at++ {
		for c := w.slots[at%slots]; c != nil; c = w.slots[at%slots] {
			w.unlink(c)
			due = append(due, c)
		}
	}
	fired := due[:seen]
	for _, c := range due[seen:] {
		switch {
		case c.timer.deadline > to:
			w.link(c)
		case c.timer.deadline != 0:
			fired = append(fired, c)
		}
	}
	clear(due[len(fired):])
	return fired
}

// next is when advance must be called; the zero time is never.
func (w *wheel) next() time.Time {
	first := (w.now + 1) % slots
	for i := range uint32(len(w.occupied)) + 1 {
		at := (first/64 + i) % uint32(len(w.occupied))
		word := w.occupied[at]
		if i == 0 {
			word &^= 1<<(first%64) - 1
		}
		if word != 0 {
			slot := at*64 + uint32(bits.TrailingZeros64(word))
			ahead := (slot - first) % slots
			return w.start.Add(time.Duration(w.now+1+ahead) * tick)
		}
	}
	return time.Time{}
}

func (w *wheel) link(c *Conn) {
	c.timer.due = min(c.timer.deadline, w.now+slots-1)
	slot := c.timer.due % slots
	c.timer.next = w.slots[slot]
	if c.timer.next != nil {
		c.timer.next.timer.prev = c
	}
	w.slots[slot] = c
	w.occupied[slot/64] |= 1 << (slot % 64)
}

// unlink removes c; it is not there afterwards, whether or not it was.
func (w *wheel) unlink(c *Conn) {
	if c.timer.due == 0 {
		return
	}
	slot := c.timer.due % slots
	if c.timer.prev != nil {
		c.timer.prev.timer.next = c.timer.next
	} else if w.slots[slot] = c.timer.next; c.timer.next == nil {
		w.occupied[slot/64] &^= 1 << (slot % 64)
	}
	if c.timer.next != nil {
		c.timer.next.timer.prev = c.timer.prev
	}
	c.timer.due, c.timer.prev, c.timer.next = 0, nil, nil
}

// ticks is how many whole ticks d has.
func (w *wheel) ticks(d time.Duration) uint32 {
	return uint32(min(max(d/tick, 0), 1<<31))
}
