package delivery

import (
	"slices"

	"pgregory.net/rapid"
)

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

// startAll has everybody follow the address, and all servers be up to date.
func (w *world) startAll() {
	w.behind = 0
	for _, s := range w.sessions {
		if !s.On() {
			w.start(s)
		}
	}
}

// settle lets everything come to rest without faults: what one does in a round others may
// hear of in the next.
func (w *world) settle(t *rapid.T) {
	resting := 0
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
		if resting++; slices.ContainsFunc(w.sessions, func(s *follower) bool { return !s.rests() }) {
			resting = 0
		}
		if resting == 2 {
			return
		}
	}
}

// rests tells whether a session has nothing to do.
func (s *follower) rests() bool {
	return len(s.logCopies)+len(s.inboxes)+len(s.ackedBy)+s.Len()+s.Passed() == 0 && s.floorDirty == 0 &&
		s.On() && !s.Behind() && s.read == nil && !s.Reviewing() && s.reviewed == nil
}

// wantHad checks that whoever is there has had everything that came while it was, or
// those who share have had it between them.
func (w *world) wantHad(t *rapid.T) {
	if w.ruled {
		w.wantShared(t)
		return
	}
	for _, s := range w.sessions {
		for p := s.since + 1; p <= w.end; p++ {
			if !w.acked[p] && !w.doubt[p] && w.notes[p] != s.name && !slices.Contains(s.handedOut, p) {
				t.Fatalf("session %d, here since %d, was not handed %d: %s", s.name, s.since, p, w)
			}
		}
	}
}

// wantShared checks that those who share have had everything between them that came while
// one of them was there, but for what he has sent himself.
func (w *world) wantShared(t *rapid.T) {
	for p := uint64(1); p <= w.end; p++ {
		if w.acked[p] || w.doubt[p] {
			continue
		}
		for _, s := range w.sessions {
			if s.since < p && w.notes[p] != s.name {
				t.Fatalf("nobody of those who share has %d: %s", p, w)
			}
		}
	}
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

// wantNothingLeft checks that one session that comes now gets all that nobody has
// acknowledged, and that the inbox is empty then.
func (w *world) wantNothingLeft(t *rapid.T) {
	w.sessions = nil
	w.begin(w.names+1, 4)
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
}
