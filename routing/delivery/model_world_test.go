package delivery

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// world is the model.
type world struct {
	log      []logged // in order; purged ones are gone
	end      uint64   // the log's last sequence
	last     uint64   // the last position of the address that is in the log
	inbox    []waits
	inboxEnd uint64
	behind   int             // how many of the inbox's last messages the replica that is read lacks
	copied   map[uint64]bool // what the inbox would know as a duplicate
	floor    uint64          // in Redis; 0 when it was flushed

	acked    map[uint64]bool // by any session
	notes    map[uint64]int  // what a session has sent to its own identity, by its name: it skips it
	doubt    map[uint64]bool // a copy of it was lost
	late     map[late]bool   // the sweep came by while a session's copy of the log's was on its way
	sessions []*follower
	ruled    bool // the sessions share what comes
	names    int  // how many names of sessions were given
	sweepers [2]sweeper
	purged   uint64
}

type logged struct{ position, previous uint64 }

type late struct {
	who      *follower // nil for any
	position uint64
}

type waits struct{ sequence, position uint64 }

// sweeper is one router's sweep.
type sweeper struct {
	next   uint64 // what it looks at
	copied uint64 // what it may purge with the next step
}

func newWorld() *world {
	return &world{copied: map[uint64]bool{}, acked: map[uint64]bool{}, notes: map[uint64]int{}, doubt: map[uint64]bool{}, late: map[late]bool{}}
}

// send stores a message, whose copies are on their way then.
func (w *world) send() {
	w.end++
	m := logged{w.end, w.last}
	w.last = m.position
	w.log = append(w.log, m)
	for _, s := range w.sessions {
		s.logCopies = append(s.logCopies, m)
	}
}

// sweep does one router's next step: it looks at one message, or purges what it has
// looked at one step before.
func (w *world) sweep(s *sweeper, purge bool) {
	if purge {
		w.log = slices.DeleteFunc(w.log, func(m logged) bool { return m.position <= s.copied })
		w.purged = max(w.purged, s.copied)
		if w.last <= w.purged {
			w.last = 0
		}
		s.copied = s.next
		return
	}
	for _, m := range w.log {
		if m.position <= s.next {
			continue
		}
		s.next = m.position
		for _, f := range w.sessions {
			if slices.ContainsFunc(f.logCopies, func(l logged) bool { return l.position == m.position }) {
				w.late[late{f, m.position}], w.late[late{nil, m.position}] = true, true
			}
		}
		if m.position > w.floor && !w.copied[m.position] {
			w.copied[m.position] = true
			w.inboxEnd++
			c := waits{w.inboxEnd, m.position}
			w.inbox = append(w.inbox, c)
			for _, f := range w.sessions {
				f.inboxes = append(f.inboxes, c)
			}
		}
		return
	}
}

// replica is the inbox as the server knows it that answers: it may lack the last ones,
// but has what was copied a step of the sweep ago. Nor is it behind while the log's
// copies are: those are older than the inbox's by the sweep's delay.
func (w *world) replica() (r struct {
	inbox   []waits
	through uint64
},
) {
	r.inbox, r.through = w.inbox, w.inboxEnd
	for range w.behind {
		n := len(r.inbox)
		if n == 0 || r.inbox[n-1].position <= w.purged || w.late[late{nil, r.inbox[n-1].position}] {
			break
		}
		r.inbox, r.through = r.inbox[:n-1], r.inbox[n-1].sequence-1
	}
	return r
}

// remove deletes from the inbox what must be acknowledged.
func (w *world) remove(t *rapid.T, sequence uint64) {
	w.inbox = slices.DeleteFunc(w.inbox, func(m waits) bool {
		if m.sequence == sequence && !w.acked[m.position] {
			t.Fatalf("%d is removed from the inbox unacknowledged", m.position)
		}
		return m.sequence == sequence
	})
}

// gone are the names of sessions that are no more.
func (w *world) gone() (gone []int) {
	for name := 1; name <= w.names; name++ {
		if !slices.ContainsFunc(w.sessions, func(s *follower) bool { return s.name == name }) {
			gone = append(gone, name)
		}
	}
	return gone
}

func (w *world) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "log %v, inbox %v, floor %d, sweepers %v", w.log, w.inbox, w.floor, w.sweepers)
	for _, s := range w.sessions {
		fmt.Fprintf(&b, "; session %d: %+v window %d handed %v", s.name, s.Follow, s.Len(), s.handedOut)
	}
	return b.String()
}
