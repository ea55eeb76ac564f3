package delivery

import (
	"slices"

	"pgregory.net/rapid"
)

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

// begin starts a session.
func (w *world) begin(name, room int) {
	w.names = max(w.names, name)
	s := &follower{name: name, since: w.end, room: room, skipRoom: 1 + name%2}
	w.start(s)
	w.sessions = append(w.sessions, s)
}

// start has a session follow the address.
func (w *world) start(s *follower) {
	s.share = w.end + 1
	s.Start(w.floor)
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

// reads tells whether the session has something to do with what it reads.
func (s *follower) reads() bool { return s.read != nil || s.Behind() && s.Len() < s.room }

// looks tells whether it may look first whether there is anything.
func (s *follower) looks() bool { return s.read == nil && s.Behind() }

// step does the next step of a session's reading.
func (w *world) step(t *rapid.T, s *follower) {
	s.tail = nil // it is the same one who looks and who reads
	if s.read == nil {
		if !s.reads() {
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
	if !s.looks() {
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
