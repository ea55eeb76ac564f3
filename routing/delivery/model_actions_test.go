package delivery

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// actions draws what may happen in a run: of all actions each but two is left out of one run
// in four. What has to happen often, or never in between, happens in some runs then.
func (w *world) actions(t *rapid.T) map[string]func(*rapid.T) {
	all := w.everything()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "begin" && name != "send" && rapid.IntRange(0, 3).Draw(t, "without "+name) == 3 {
			delete(all, name)
		}
	}
	all[""] = w.check
	return all
}

// everything are all actions. One that would change nothing is skipped before anything is
// drawn for it, so that each step of a run counts.
func (w *world) everything() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){}
	for _, some := range []map[string]func(*rapid.T){w.messages(), w.sessionsCome(), w.copies(), w.reads(), w.floors(), w.sweeps()} {
		maps.Copy(all, some)
	}
	if w.ruled {
		maps.Copy(all, w.shares())
	}
	return all
}

// pick draws one of the sessions for which something can be done.
func (w *world) pick(t *rapid.T, can func(*follower) bool) *follower {
	some := w.sessions
	if can != nil {
		some = slices.DeleteFunc(slices.Clone(some), func(s *follower) bool { return !can(s) })
	}
	if len(some) == 0 {
		t.Skip("no such session")
	}
	return some[rapid.IntRange(0, len(some)-1).Draw(t, "session")]
}

func (w *world) router(t *rapid.T) *sweeper {
	return &w.sweepers[rapid.IntRange(0, len(w.sweepers)-1).Draw(t, "router")]
}

// seldom skips two of three.
func seldom(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "mercy") > 0 {
		t.Skip("seldom")
	}
}

func (w *world) messages() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"send": func(*rapid.T) { w.send() },
		"note": func(t *rapid.T) {
			s := w.pick(t, nil)
			w.send()
			w.notes[w.end] = s.name
		},
		"sendOther": func(*rapid.T) { w.end++; w.acked[w.end] = true }, // of another address
	}
}

func (w *world) sessionsCome() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"begin": func(t *rapid.T) {
			if len(w.sessions) == 3 {
				t.Skip("enough")
			}
			name := w.names + 1
			if gone := w.gone(); len(gone) > 0 && rapid.Bool().Draw(t, "again") {
				name = rapid.SampledFrom(gone).Draw(t, "name") // the same node
			}
			w.begin(name, rapid.IntRange(1, 4).Draw(t, "room"))
		},
		// Its presence has a session follow the address no more, and follow it again.
		"stop":  func(t *rapid.T) { w.pick(t, (*follower).On).Stop() },
		"start": func(t *rapid.T) { w.start(w.pick(t, func(s *follower) bool { return !s.On() })) },
		"crash": func(t *rapid.T) { // of an edge, or of a session's connection
			seldom(t)
			s := w.pick(t, nil)
			w.sessions = slices.DeleteFunc(w.sessions, func(o *follower) bool { return o == s })
		},
	}
}

// copies come or are lost. The inbox's have a step of the sweep's time before the log is purged.
func (w *world) copies() map[string]func(*rapid.T) {
	ofLog := func(s *follower) bool { return len(s.logCopies) > 0 }
	ofInbox := func(s *follower) bool { return len(s.inboxes) > 0 }
	return map[string]func(*rapid.T){
		"logCopy":       func(t *rapid.T) { w.logCopy(t, w.pick(t, ofLog)) },
		"inboxCopy":     func(t *rapid.T) { w.inboxCopy(t, w.pick(t, ofInbox)) },
		"loseLogCopy":   func(t *rapid.T) { w.lose(w.pick(t, ofLog), 1, 0) },
		"loseInboxCopy": func(t *rapid.T) { w.lose(w.pick(t, ofInbox), 0, 1) },
		"loseCopies": func(t *rapid.T) { // as when the connection to the broker breaks
			s := w.pick(t, func(s *follower) bool { return ofLog(s) || ofInbox(s) })
			w.lose(s, len(s.logCopies), len(s.inboxes))
		},
		"takeCopies": func(t *rapid.T) {
			s := w.pick(t, ofLog)
			for len(s.logCopies) > 0 {
				w.logCopy(t, s)
			}
			w.acknowledge(t, s, rapid.IntRange(0, 4).Draw(t, "n"))
			w.flush(s)
		},
	}
}

// lose has the oldest copies for a session not come: so many of the log's and of the inbox's.
func (w *world) lose(s *follower, log, inbox int) {
	for _, c := range s.logCopies[:log] {
		w.doubt[c.position] = true
	}
	for _, c := range s.inboxes[:inbox] {
		w.doubt[c.position] = true
	}
	s.logCopies, s.inboxes = s.logCopies[log:], s.inboxes[inbox:]
}

func (w *world) reads() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"read": func(t *rapid.T) { w.step(t, w.pick(t, (*follower).reads)) },
		"look": func(t *rapid.T) { w.look(w.pick(t, (*follower).looks)) },
		"catchUp": func(t *rapid.T) {
			s := w.pick(t, (*follower).reads)
			for range rapid.IntRange(4, 12).Draw(t, "steps") {
				w.step(t, s)
			}
		},
		"doubt":   func(t *rapid.T) { w.pick(t, (*follower).Live).Doubt() },
		"replica": func(t *rapid.T) { w.behind = rapid.IntRange(0, 2).Draw(t, "behind") },
	}
}

func (w *world) floors() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"acknowledge": func(t *rapid.T) {
			s := w.pick(t, func(s *follower) bool { return s.Len() > 0 })
			w.acknowledge(t, s, rapid.IntRange(1, 4).Draw(t, "n"))
		},
		// A session hears up to where another has acknowledged: from Redis, or before
		// Redis is told, when both are on one edge.
		"hearRedis":     func(t *rapid.T) { w.pick(t, nil).Safe(w.floor) },
		"hearNeighbour": func(t *rapid.T) { w.pick(t, nil).Safe(w.pick(t, nil).Floor()) },
		"flushFloor":    func(t *rapid.T) { w.flush(w.pick(t, nil)) },
		"flushRedis": func(t *rapid.T) {
			if w.floor == 0 {
				t.Skip("it is empty")
			}
			seldom(t)
			w.floor = 0
		},
	}
}

func (w *world) sweeps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"sweep": func(t *rapid.T) { w.sweep(w.router(t), false) },
		"purge": func(t *rapid.T) { w.sweep(w.router(t), true) },
		"sweepAll": func(t *rapid.T) {
			s := w.router(t)
			for range len(w.log) {
				w.sweep(s, false)
			}
			for range rapid.IntRange(0, 2).Draw(t, "purges") {
				w.sweep(s, true)
			}
		},
		"crashSweeper": func(t *rapid.T) { *w.router(t) = sweeper{} },
	}
}

func (w *world) shares() map[string]func(*rapid.T) {
	told := func(s *follower) bool { return len(s.ackedBy) > 0 }
	return map[string]func(*rapid.T){
		"hearView": func(t *rapid.T) {
			w.hearView(w.pick(t, func(s *follower) bool { return !maps.Equal(w.viewOf(s), s.view) }))
		},
		"hearAcks": func(t *rapid.T) { w.hearAcks(w.pick(t, told)) },
		"loseAcks": func(t *rapid.T) { w.pick(t, told).ackedBy = nil },
		"review": func(t *rapid.T) {
			s := w.pick(t, func(s *follower) bool { return s.shared() != nil })
			s.Review(rapid.Bool().Draw(t, "ages"))
		},
		"reviewStep": func(t *rapid.T) {
			w.reviewStep(t, w.pick(t, func(s *follower) bool { return s.reviewed != nil || s.Reviewing() }))
		},
	}
}
