package client

import (
	"hash/maphash"
	"sync"
	"time"

	"limegrove/lime"
)

// maxDuplicates is how many messages are remembered.
const maxDuplicates = 8192

// duplicates remembers the messages that have come, for a while and a number of them,
// to know them when they come again: after a lost connection a server sends what it has no
// receipt of. Time stands still while there is no session, and until everybody may send in the next one, so that
// what waits for it is taken by what was known before.
type duplicates struct {
	window time.Duration // negative: none are remembered
	seeds  [2]maphash.Seed

	mu     sync.Mutex
	began  time.Time
	away   time.Duration // without a session, since then
	left   time.Time     // when the last session has ended, or since there was none yet; zero while there is one
	known  map[mark]struct{}
	ring   []known // in order
	oldest int     // of ring, once it is full
	fold   []byte
}

// mark stands for a message: two hashes with seeds that nobody knows, so that two
// messages have the same one in a case of 2^128.
type mark [2]uint64

type known struct {
	mark mark
	at   time.Duration // in session, since began
}

func newDuplicates(window time.Duration) *duplicates {
	now := time.Now()
	return &duplicates{
		window: window, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		began: now, left: now, known: map[mark]struct{}{},
	}
}

// seen tells whether a message has come before, and remembers it. One without an id is
// not remembered. m is what it may be forgotten by.
func (d *duplicates) seen(h *lime.Header) (m mark, seen bool) {
	if d.window < 0 || h.ID == nil || h.From == nil {
		return mark{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m = d.markLocked(h)
	now := d.nowLocked()
	d.forgetLocked(now)
	if _, ok := d.known[m]; ok {
		return m, true
	}
	if len(d.ring)-d.oldest == maxDuplicates {
		d.forgetOldestLocked()
	}
	if d.oldest > maxDuplicates {
		d.ring = append(d.ring[:0], d.ring[d.oldest:]...)
		d.oldest = 0
	}
	d.known[m] = struct{}{}
	d.ring = append(d.ring, known{m, now})
	return m, false
}

// nowLocked is how long there has been a session.
func (d *duplicates) nowLocked() time.Duration {
	if d.left.IsZero() {
		return time.Since(d.began) - d.away
	}
	return d.left.Sub(d.began) - d.away
}

// forget forgets a message that was not handed out after all. Its place in the ring stays,
// and is nobody's: when it comes again it has another.
func (d *duplicates) forget(m mark) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, m)
	for i := len(d.ring) - 1; i >= d.oldest; i-- {
		if d.ring[i].mark == m {
			d.ring[i].mark = mark{}
			return
		}
	}
}

// markLocked makes a message's mark of its sender's identity, its address and its id. What
// comes from a group has its sender's identity as the instance, and ids are each sender's own.
func (d *duplicates) markLocked(h *lime.Header) (m mark) {
	from := h.From
	if v, err := lime.ParseNodeView(from); err == nil && len(v.Instance) > 0 {
		if _, group := lime.OfGroups(v.Domain); !group {
			from = from[:len(from)-len(v.Instance)-1]
		}
	}
	d.fold = lime.AppendFold(d.fold[:0], from)
	d.fold = append(d.fold, '\n') // which is in no address
	d.fold = lime.AppendFold(d.fold, h.To)
	d.fold = append(d.fold, '\n')
	d.fold = append(d.fold, h.ID...)
	for i := range m {
		m[i] = maphash.Bytes(d.seeds[i], d.fold)
	}
	return m
}

func (d *duplicates) forgetLocked(now time.Duration) {
	for d.oldest < len(d.ring) && now-d.ring[d.oldest].at > d.window {
		d.forgetOldestLocked()
	}
}

func (d *duplicates) forgetOldestLocked() {
	delete(d.known, d.ring[d.oldest].mark)
	d.oldest++
}

// pause and resume tell when there is no session, and when there is one again.
func (d *duplicates) pause() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = time.Now()
}

func (d *duplicates) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.left.IsZero() {
		d.away += time.Since(d.left)
		d.left = time.Time{}
	}
}
