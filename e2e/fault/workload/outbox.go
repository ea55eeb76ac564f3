package workload

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"limegrove/lime"
)

// room is how many messages of a client may wait for their answer.
const room = 64

// message is one that was not answered for good.
type message struct {
	id, to string
	seq    int

	first time.Time // of its attempts
	last  time.Time
	in    *session // of the last attempt
	sure  bool     // that attempt has failed, by 51
}

// outbox is what a client has sent and has no answer to, in order. Answers come from the
// readers of its sessions, of which it may have two for a moment.
type outbox struct {
	node   string
	window time.Duration
	count  func(pending int) // of changes

	mu      sync.Mutex
	all     []*message
	numbers map[string]int // the last, by address
}

// add makes the next message to an address, unless there is no room, or some have to be
// sent again first.
func (o *outbox) add(to string, now time.Time) *message {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) >= room || slices.ContainsFunc(o.all, func(m *message) bool { return m.sure || m.in == nil }) {
		return nil
	}
	o.numbers[to]++
	m := &message{id: fmt.Sprintf("%s>%s#%d", o.node, to, o.numbers[to]), to: to, seq: o.numbers[to], first: now}
	o.all = append(o.all, m)
	o.count(1)
	return m
}

// attempted notes an attempt that is about to be made.
func (o *outbox) attempted(m *message, in *session, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	m.in, m.last, m.sure = in, now, false
}

// answered takes the answer of a session, and tells whether it was a failed that is to be
// followed by another attempt.
func (o *outbox) answered(id string, in *session, code lime.Code) (again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.all, func(m *message) bool { return m.id == id })
	if i < 0 {
		return false
	}
	if code == lime.CodeDispatchError {
		if o.all[i].in == in {
			o.all[i].sure = true
		}
		return true
	}
	o.all = slices.Delete(o.all, i, i+1)
	o.count(-1)
	return false
}

// left marks what was not answered in a session that has ended.
func (o *outbox) left(in *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.all {
		if m.in == in {
			m.in = nil
		}
	}
}

// again returns, in order, what is to be sent again, and forgets what is too old for
// that.
func (o *outbox) again(now time.Time) []*message {
	o.mu.Lock()
	defer o.mu.Unlock()
	var some []*message
	kept := o.all[:0]
	for _, m := range o.all {
		due := m.in == nil || m.sure
		if due && now.Sub(m.first) > o.window-o.window/6 {
			o.count(-1)
			continue
		}
		kept = append(kept, m)
		if due {
			some = append(some, m)
		}
	}
	clear(o.all[len(kept):])
	o.all = kept
	return some
}

// waitsSince is when the oldest attempt was made that has no answer; zero if none.
func (o *outbox) waitsSince() (since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.all {
		if m.in != nil && !m.sure && (since.IsZero() || m.last.Before(since)) {
			since = m.last
		}
	}
	return since
}

// refresh lets all that waits wait anew.
func (o *outbox) refresh(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.all {
		m.last = now
	}
}
