package delivery

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The model is everything around one address: the log and the inbox of its partition,
// the floor in Redis, two routers that sweep, and up to three sessions on as many
// edges. Each step of each of them is an action, so that rapid finds the
// interleavings; messages of other addresses only use up positions.

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
	sweepers [2]sweeper
	purged   uint64
}

type logged struct{ position, previous uint64 }

type late struct {
	who      *follower // nil for any
	position uint64
}

type waits struct{ sequence, position uint64 }

// follower is one session.
type follower struct {
	Follow
	Window
	name       int
	since      uint64 // the log's end when it began
	logCopies  []logged
	inboxes    []waits
	handedOut  []uint64
	room       int // how much it may have unacknowledged
	skipRoom   int // how much of what it skips it may remember
	floorDirty uint64
	read       *reading
	tail       *Tail // of the log, when the inbox's is looked at next
	sharing          // in a ruled world
}

// reading is a read on its way: the log was read, the inbox may have been.
type reading struct {
	Read
	log, inbox Page
	stage      int
}

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

// begin starts a session.
func (w *world) begin(name, room int) {
	s := &follower{name: name, since: w.end, room: room, skipRoom: 1 + name%2}
	s.share = w.end + 1
	s.Start(w.floor)
	w.sessions = append(w.sessions, s)
}

// hand gives a message to a session, unless it has no room.
func (w *world) hand(t *rapid.T, s *follower, m Message) bool {
	if s.Len() >= s.room {
		return false
	}
	if w.notes[m.Position] == s.name {
		s.skip(m, s.skipRoom)
		return true
	}
	over := s.HasPassed(m.Position)
	if w.ruled && !w.isFor(s, m.Position) {
		if !over {
			s.Pass(m)
		}
		return true
	}
	if slices.Contains(s.handedOut, m.Position) {
		t.Fatalf("session %d is handed %d twice", s.name, m.Position)
	}
	if n := len(s.handedOut); n > 0 && s.handedOut[n-1] > m.Position && !over && !w.doubt[m.Position] && !w.late[late{s, m.Position}] {
		t.Fatalf("session %d is handed %d after %d", s.name, m.Position, s.handedOut[n-1])
	}
	s.handedOut = append(s.handedOut, m.Position)
	s.Hand(m)
	if over {
		s.Take(m)
	}
	s.Push(Entry{Position: m.Position, Inbox: m.Inbox})
	return true
}

// logCopy has a session take the oldest of its copies from the log.
func (w *world) logCopy(t *rapid.T, s *follower) {
	c := s.logCopies[0]
	s.logCopies = s.logCopies[1:]
	if s.Copy(c.position, c.previous) == HandOut {
		m := Message{Position: c.position, Previous: c.previous}
		if !w.hand(t, s, m) {
			s.Lag(m)
		}
	}
}

func (w *world) inboxCopy(t *rapid.T, s *follower) {
	c := s.inboxes[0]
	s.inboxes = s.inboxes[1:]
	m := Message{Position: c.position, Inbox: c.sequence}
	switch verdict := s.InboxCopy(c.position, c.sequence); verdict {
	case HandOut:
		if !w.hand(t, s, m) {
			s.Lag(m)
		}
	case Remove, RemoveOld:
		m.Old = verdict == RemoveOld
		w.had(t, s, m)
	}
}

// had removes from the inbox what a session knows to be acknowledged, as the hub does.
func (w *world) had(t *rapid.T, s *follower, m Message) {
	note := w.notes[m.Position]
	if s.Waits(false, m.Position, m.Inbox) || !m.Old && (note == s.name || note != 0 && !s.Handed(m.Position)) {
		return
	}
	w.remove(t, m.Inbox)
}

// step does the next step of a session's reading.
func (w *world) step(t *rapid.T, s *follower) {
	s.tail = nil // it is the same one who looks and who reads
	if s.read == nil {
		if !s.Behind() || s.Len() >= s.room {
			return
		}
		s.read = &reading{Read: s.Next()}
		if !s.read.Log {
			s.read.stage = 1
		}
		return
	}
	r := s.read
	limit := s.room
	switch r.stage {
	case 0:
		r.log.Through = w.end
		for _, m := range w.log {
			if m.position >= r.LogFrom {
				if len(r.log.Messages) == limit {
					r.log.More = true
					break
				}
				r.log.Messages = append(r.log.Messages, Message{Position: m.position})
			}
		}
		r.stage = 1
	case 1:
		replica := w.replica()
		r.inbox.Through = replica.through
		for _, m := range replica.inbox {
			if m.sequence >= r.InboxFrom {
				if len(r.inbox.Messages) == limit {
					r.inbox.More = true
					break
				}
				r.inbox.Messages = append(r.inbox.Messages, Message{Position: m.position, Inbox: m.sequence})
			}
		}
		r.stage = 2
	case 2:
		s.read = nil
		if !s.Valid(r.Read) {
			return // it was stopped meanwhile
		}
		out, had := s.Merge(r.Read, r.log, r.inbox)
		for _, m := range had {
			w.had(t, s, m)
		}
		for _, m := range out {
			if !w.hand(t, s, m) {
				return
			}
		}
		s.Done(r.Read, r.log, r.inbox)
	}
}

// look does the next step of a session that looks whether there is anything to be
// read: the end of the log, then that of the inbox.
func (w *world) look(s *follower) {
	if s.read != nil || !s.Behind() {
		return
	}
	if s.tail == nil {
		s.tail = &Tail{Through: w.end}
		if n := len(w.log); n > 0 {
			s.tail.Last = w.log[n-1].position
		}
		return
	}
	replica := w.replica()
	inbox := Tail{Through: replica.through}
	if n := len(replica.inbox); n > 0 {
		inbox.Last = replica.inbox[n-1].sequence
	}
	s.Tails(*s.tail, inbox)
	s.tail = nil
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

// acknowledge has a session acknowledge some of what it was handed.
func (w *world) acknowledge(t *rapid.T, s *follower, n int) {
	if s.Len() == 0 {
		return
	}
	number := s.Last() - uint32(s.Len()) + uint32(min(n, s.Len()))
	s.Pop(number, func(e Entry) {
		w.acked[e.Position] = true
		s.Acknowledge(e.Position)
		w.tell(s, e.Position)
		if e.Inbox != 0 {
			w.remove(t, e.Inbox)
		}
	})
	s.raised()
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

// check looks at what must hold at any time: what nobody has acknowledged is in the
// log, above the floor, or in the inbox.
func (w *world) check(t *rapid.T) {
	kept := map[uint64]bool{}
	for _, m := range w.log {
		if m.position > w.floor {
			kept[m.position] = true
		}
	}
	for _, m := range w.inbox {
		kept[m.position] = true
	}
	for p := uint64(1); p <= w.end; p++ {
		if !kept[p] && !w.acked[p] {
			t.Fatalf("%d is lost: it is unacknowledged and nowhere; floor %d, log %v, inbox %v", p, w.floor, w.log, w.inbox)
		}
	}
}

// settle lets everything come to rest without faults.
func (w *world) settle(t *rapid.T) {
	for range 40 + 8*len(w.log) + 8*len(w.inbox) {
		for _, s := range w.sessions {
			for len(s.logCopies) > 0 {
				w.logCopy(t, s)
			}
			for len(s.inboxes) > 0 {
				w.inboxCopy(t, s)
			}
			w.acknowledge(t, s, s.room)
			w.step(t, s)
			w.flush(s)
			w.rest(t, s)
		}
	}
}

// raised notes the floor that Redis is to be told of next.
func (s *follower) raised() {
	if floor, ok := s.Raised(); ok {
		s.floorDirty = floor
	}
}

// flush tells Redis of the floor as it was the last time.
func (w *world) flush(s *follower) {
	w.floor = max(w.floor, s.floorDirty)
	s.floorDirty = 0
	s.raised()
}

func TestNothingIsLostInAnyInterleaving(t *testing.T) { testInterleavings(t, false) }

// In a ruled world each message is for one of the sessions, by the view that each has.
func TestNothingIsLostBetweenSessionsThatShare(t *testing.T) { testInterleavings(t, true) }

func testInterleavings(t *testing.T, ruled bool) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.ruled = ruled
		names := 0
		pick := func(t *rapid.T) *follower {
			if len(w.sessions) == 0 {
				t.Skip("no session")
			}
			return w.sessions[rapid.IntRange(0, len(w.sessions)-1).Draw(t, "session")]
		}
		router := func(t *rapid.T) *sweeper { return &w.sweepers[rapid.IntRange(0, 1).Draw(t, "router")] }
		t.Repeat(map[string]func(*rapid.T){
			"send": func(*rapid.T) { w.send() },
			"note": func(t *rapid.T) {
				s := pick(t)
				w.send()
				w.notes[w.end] = s.name
			},
			"replica":   func(t *rapid.T) { w.behind = rapid.IntRange(0, 2).Draw(t, "behind") },
			"sendOther": func(*rapid.T) { w.end++; w.acked[w.end] = true }, // of another address
			"begin": func(t *rapid.T) {
				if len(w.sessions) == 3 {
					t.Skip("enough")
				}
				name := names + 1
				if gone := w.gone(names); len(gone) > 0 && rapid.Bool().Draw(t, "again") {
					name = rapid.SampledFrom(gone).Draw(t, "name") // the same node
				}
				names = max(names, name)
				w.begin(name, rapid.IntRange(1, 4).Draw(t, "room"))
			},
			"logCopy": func(t *rapid.T) {
				if s := pick(t); len(s.logCopies) > 0 {
					w.logCopy(t, s)
				}
			},
			"inboxCopy": func(t *rapid.T) {
				// The inbox's copies have a step of the sweep's time before the log is purged.
				if s := pick(t); len(s.inboxes) > 0 {
					w.inboxCopy(t, s)
				}
			},
			"loseLogCopy": func(t *rapid.T) {
				if s := pick(t); len(s.logCopies) > 0 {
					w.doubt[s.logCopies[0].position] = true
					s.logCopies = s.logCopies[1:]
				}
			},
			"loseInboxCopy": func(t *rapid.T) {
				if s := pick(t); len(s.inboxes) > 0 {
					w.doubt[s.inboxes[0].position] = true
					s.inboxes = s.inboxes[1:]
				}
			},
			"hearView":   func(t *rapid.T) { w.hearView(pick(t)) },
			"hearAcks":   func(t *rapid.T) { w.hearAcks(pick(t)) },
			"loseAcks":   func(t *rapid.T) { pick(t).ackedBy = nil },
			"review":     func(t *rapid.T) { pick(t).Review(rapid.Bool().Draw(t, "ages")) },
			"reviewStep": func(t *rapid.T) { w.reviewStep(t, pick(t)) },

			"read":  func(t *rapid.T) { w.step(t, pick(t)) },
			"look":  func(t *rapid.T) { w.look(pick(t)) },
			"doubt": func(t *rapid.T) { pick(t).Doubt() },
			"catchUp": func(t *rapid.T) {
				s := pick(t)
				for range rapid.IntRange(4, 12).Draw(t, "steps") {
					w.step(t, s)
				}
			},
			"takeCopies": func(t *rapid.T) {
				s := pick(t)
				for len(s.logCopies) > 0 {
					w.logCopy(t, s)
				}
				w.acknowledge(t, s, rapid.IntRange(0, 4).Draw(t, "n"))
				w.flush(s)
			},
			"sweepAll": func(t *rapid.T) {
				s := router(t)
				for range len(w.log) {
					w.sweep(s, false)
				}
				for range rapid.IntRange(0, 2).Draw(t, "purges") {
					w.sweep(s, true)
				}
			},
			// Its presence has a session follow the address no more, and follow it again.
			"stop": func(t *rapid.T) { pick(t).Stop() },
			"start": func(t *rapid.T) {
				if s := pick(t); !s.On() {
					s.share = w.end + 1
					s.Start(w.floor)
				}
			},
			"acknowledge": func(t *rapid.T) { w.acknowledge(t, pick(t), rapid.IntRange(1, 4).Draw(t, "n")) },
			// A session hears up to where another has acknowledged: from Redis, or before
			// Redis is told, when both are on one edge.
			"hearRedis":     func(t *rapid.T) { pick(t).Safe(w.floor) },
			"hearNeighbour": func(t *rapid.T) { pick(t).Safe(pick(t).Floor()) },
			"flushFloor":    func(t *rapid.T) { w.flush(pick(t)) },
			"crash": func(t *rapid.T) { // of an edge, or of a session's connection
				if rapid.IntRange(0, 2).Draw(t, "mercy") > 0 {
					t.Skip("seldom")
				}
				s := pick(t)
				w.sessions = slices.DeleteFunc(w.sessions, func(o *follower) bool { return o == s })
			},
			"flushRedis": func(t *rapid.T) {
				if rapid.IntRange(0, 2).Draw(t, "mercy") > 0 {
					t.Skip("seldom")
				}
				w.floor = 0
			},
			"sweep":        func(t *rapid.T) { w.sweep(router(t), false) },
			"purge":        func(t *rapid.T) { w.sweep(router(t), true) },
			"crashSweeper": func(t *rapid.T) { *router(t) = sweeper{} },
			"":             w.check,
		})
		// Whoever is there at the end gets everything that came while it was, and one
		// session that comes then all that nobody has acknowledged.
		w.behind = 0
		for _, s := range w.sessions {
			if !s.On() {
				s.share = w.end + 1
				s.Start(w.floor)
			}
		}
		w.settle(t)
		w.wantShared(t)
		for _, s := range w.sessions {
			if w.ruled {
				break // not everything is for everybody
			}
			for p := s.since + 1; p <= w.end; p++ {
				if !w.acked[p] && !w.doubt[p] && w.notes[p] != s.name && !slices.Contains(s.handedOut, p) {
					t.Fatalf("session %d, here since %d, was not handed %d: %s", s.name, s.since, p, w)
				}
			}
		}
		w.wantNobodyHeld(t)
		w.sessions = nil
		w.begin(names+1, 4)
		w.settle(t)
		w.check(t)
		for p := uint64(1); p <= w.end; p++ {
			if !w.acked[p] {
				t.Fatalf("nobody was ever handed %d: %s", p, w)
			}
		}
		if len(w.inbox) > 0 {
			t.Fatalf("what is acknowledged stays in the inbox: %v", w.inbox)
		}
	})
}

// wantNobodyHeld has the sweep come by everything: when the next message comes, no
// floor is kept down by what was skipped, whatever copies of it were lost.
func (w *world) wantNobodyHeld(t *rapid.T) {
	var router sweeper
	for range len(w.log) {
		w.sweep(&router, false)
	}
	w.sweep(&router, true)
	w.sweep(&router, true)
	w.send()
	w.settle(t)
	for _, s := range w.sessions {
		if s.Held() {
			t.Fatalf("session %d is held at %d: %s", s.name, s.Floor(), w)
		}
	}
}

// gone are the names of sessions that are no more.
func (w *world) gone(names int) (gone []int) {
	for name := 1; name <= names; name++ {
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
