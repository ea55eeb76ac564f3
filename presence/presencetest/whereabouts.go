package presencetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

func guest(node string, edge presence.EdgeID, session string) presence.Registration {
	r := reg(node, edge, session)
	r.Guest = true
	return r
}

func (w *world) unregister(r presence.Registration) {
	w.Helper()
	_, err := w.store.Unregister(w.ctx(), r.Node, r.Session)
	w.must("unregister", err)
}

func (w *world) whereabouts(identity string) presence.Whereabouts {
	w.Helper()
	got, err := w.store.Whereabouts(w.ctx(), lime.MustParseIdentity(identity))
	w.must("whereabouts", err)
	return got
}

func (w *world) wantSeen(what, identity string, want ...string) {
	w.Helper()
	if got := w.whereabouts(identity).Seen; !slices.Equal(got, want) {
		w.Errorf("%s: seen %q, want %q", what, got, want)
	}
}

func guestsAreSeen(t *testing.T, w *world) {
	w.live("e1")
	if got := w.whereabouts("ana@x"); got.Version != 0 || got.Known("") || got.Known("1") {
		t.Errorf("of nobody: %+v", got)
	}
	account := reg("ana@x/account", "e1", "s0")
	one, two := guest("Ana@x/One", "e1", "s1"), guest("ana@x/two", "e1", "s2")
	one.Presence = lime.Presence{Status: lime.StatusAway, Message: "back soon"}
	for _, r := range []presence.Registration{account, one, two} {
		w.register(r)
	}
	got := w.whereabouts("ANA@x")
	if fmt.Sprintf("%+v", got.View) != fmt.Sprintf("%+v", w.view("ana@x")) || got.Registrations[1].Presence.Message != one.Presence.Message {
		t.Errorf("got %+v, want what View gives", got)
	}
	w.wantSeen("all are there", "ana@x")

	w.unregister(one)
	w.unregister(account)
	w.wantSeen("a guest has left, and an account", "ana@x", "one")
	got = w.whereabouts("ana@x")
	if !got.Known("") || !got.Known("ONE") || !got.Known("Two") || got.Known("account") {
		t.Errorf("known are others than one and two: %+v", got)
	}
	w.unregister(two)
	got = w.whereabouts("ana@x")
	if got.Version != 0 || len(got.Registrations) != 0 || !slices.Equal(got.Seen, []string{"one", "two"}) {
		t.Errorf("after the last has left: %+v", got)
	}
	w.register(one)
	w.wantSeen("one is back", "ana@x", "two")
	w.wantSeen("another", "rui@x")
}

func graceEnds(_ *testing.T, w *world) {
	w.live("e1")
	s := w.open(presence.Config{GuestGrace: 300 * time.Millisecond, Timeout: patience})
	leave := func(r presence.Registration) {
		w.register(r)
		_, err := s.Unregister(w.ctx(), r.Node, r.Session)
		w.must("unregister", err)
	}
	leave(guest("ana@x/1", "e1", "s1"))
	n := 0
	w.eventually("the first is forgotten while others come and go", func() error {
		n++
		leave(guest(fmt.Sprintf("ana@x/2%d", n), "e1", "s1"))
		got, err := s.Whereabouts(w.ctx(), lime.MustParseIdentity("ana@x"))
		if err == nil && got.Known("1") {
			err = errors.New("it is known")
		}
		return err
	})
	w.eventually("all are forgotten", func() error {
		got, err := s.Whereabouts(w.ctx(), lime.MustParseIdentity("ana@x"))
		if err == nil && got.Known("") {
			err = fmt.Errorf("known: %q", got.Seen)
		}
		return err
	})
}

// strangeGuests are told from accounts although what stands before the mark of
// a guest is long, or looks like it.
func strangeGuests(t *testing.T, w *world) {
	w.live("e1")
	for i, name := range []string{"g", "G", "\x01G", strings.Repeat("G", 100), strings.Repeat("G", 127), strings.Repeat("G", 128), strings.Repeat("É", 300)} {
		for _, session := range []string{"g", "52d59849-19a8-4b2d-86b7-3fa563cdb616", strings.Repeat("g", 127)} {
			for _, isGuest := range []bool{true, false} {
				identity := lime.Identity{Name: fmt.Sprintf("%s%d%v%d", name, i, isGuest, len(session)), Domain: "X"}
				r := presence.Registration{
					Node: lime.Node{Identity: identity, Instance: name}, Edge: "e1", Session: session, Guest: isGuest,
					Presence: lime.Presence{Message: "g\x00g", Status: "g"},
				}
				w.register(r)
				w.unregister(r)
				got, err := w.store.Whereabouts(w.ctx(), identity)
				w.must("whereabouts", err)
				if got.Known("") != isGuest || got.Known(name) != isGuest {
					t.Errorf("%q, a guest: %v, session %q: seen %q", r.Node, isGuest, session, got.Seen)
				}
			}
		}
	}
}

func manyGuests(t *testing.T, w *world) {
	const most, n = 256, 300
	w.live("e1")
	for i := range n {
		r := guest(fmt.Sprintf("ana@x/%d", i), "e1", "s1")
		w.register(r)
		w.unregister(r)
	}
	got := w.whereabouts("ana@x")
	if len(got.Seen) != most || !got.Known(fmt.Sprint(n-1)) {
		t.Errorf("%d are seen, want %d and the last among them", len(got.Seen), most)
	}
}

func deadGuestsAreSeen(t *testing.T, w *world) {
	w.live("alive")
	w.die("dead")
	w.register(guest("ana@x/1", "dead", "s1"))
	w.register(guest("ana@x/2", "alive", "s2"))
	w.register(reg("ana@x/3", "dead", "s3"))
	w.register(guest("ana@x/4", "dead", "s4"))
	var many []presence.Registration
	const batch = 25
	for i := range 3*batch - 15 { // more than two scripts remove
		r := reg(fmt.Sprintf("rui@x/a%d", i), "dead", "s")
		r.Guest = i%3 == 0
		many = append(many, r)
	}
	w.registerAll(many)
	w.wantSeen("the edge has died", "ana@x", "1", "4")
	got := w.whereabouts("ana@x")
	w.wantSessions("the edge has died", got.View, "s2")
	removed, err := w.open(presence.Config{Timeout: patience, SweepBatch: batch}).Sweep(w.ctx(), func(presence.EdgeID) bool { return true })
	w.must("sweep", err)
	if len(removed) != 63 {
		t.Errorf("swept %d, want 63", len(removed))
	}
	w.wantSeen("it was swept", "ana@x", "1", "4")
	w.wantSessions("it was swept", w.whereabouts("ana@x").View, "s2")
	if n := len(w.whereabouts("rui@x").Seen); n != 20 {
		t.Errorf("of many that were swept %d are seen, want 20", n)
	}
}

// neverUnknown lets a guest come and go, by itself and by sweeps, while others
// ask for it.
func neverUnknown(t *testing.T, w *world) {
	w.live("alive")
	w.die("dead")
	w.register(guest("ana@x/1", "alive", "s1"))
	ctx, cancel := context.WithCancel(w.ctx())
	var asking sync.WaitGroup
	for range 3 {
		asking.Go(func() {
			for ctx.Err() == nil {
				got, err := w.store.Whereabouts(ctx, lime.MustParseIdentity("ana@x"))
				if err == nil && !(got.Known("") && got.Known("1")) {
					t.Errorf("unknown for a moment: %+v", got)
					return
				}
			}
		})
	}
	for range 50 {
		w.unregister(guest("ana@x/1", "alive", "s1"))
		w.register(guest("ana@x/1", "dead", "s2"))
		_, err := w.store.Sweep(w.ctx(), func(e presence.EdgeID) bool { return e == "dead" })
		w.must("sweep", err)
		w.register(guest("ana@x/1", "alive", "s1"))
	}
	cancel()
	asking.Wait()
}
