package presencetest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

// floor makes a floor of an address, such as ana@x or ana@x/1.
func floor(address, log string, position uint64) presence.Floor {
	n := lime.MustParseNode(address)
	return presence.Floor{Identity: n.Identity, Instance: n.Instance, Log: log, Position: position}
}

func (w *world) raise(floors ...presence.Floor) {
	w.Helper()
	w.must("raise floors", w.store.RaiseFloors(w.ctx(), floors))
}

func (w *world) floors(s *presence.Store, identities ...string) [][]presence.Floor {
	w.Helper()
	ids := make([]lime.Identity, len(identities))
	for i, id := range identities {
		ids[i] = lime.MustParseIdentity(id)
	}
	all, err := s.Floors(w.ctx(), ids)
	w.must("floors", err)
	if len(all) != len(ids) {
		w.Fatalf("floors of %d identities, want of %d", len(all), len(ids))
	}
	return all
}

func (w *world) wantFloors(what, identity string, want ...presence.Floor) {
	w.Helper()
	if got := w.floors(w.store, identity)[0]; !reflect.DeepEqual(got, want) {
		w.Errorf("%s: floors %v, want %v", what, got, want)
	}
}

func floorsRise(t *testing.T, w *world) {
	w.wantFloors("before", "ana@x")
	w.raise(floor("ana@x", "l1", 5), floor("ana@x/b", "l1", 9), floor("rui@x/a", "l2", 0), floor("ana@x/a", "l1", 7))
	w.wantFloors("several at once", "ana@x", floor("ana@x", "l1", 5), floor("ana@x/a", "l1", 7), floor("ana@x/b", "l1", 9))
	w.raise(floor("ana@x", "l1", 4), floor("ana@x/a", "l1", 7), floor("ana@x/b", "l1", 10))
	w.wantFloors("lower, equal, higher", "ana@x", floor("ana@x", "l1", 5), floor("ana@x/a", "l1", 7), floor("ana@x/b", "l1", 10))
	w.raise(floor("ana@x", "l", 1), floor("ana@x/b", "l1 ", 2))
	w.wantFloors("of other logs", "ana@x", floor("ana@x", "l", 1), floor("ana@x/a", "l1", 7), floor("ana@x/b", "l1 ", 2))
	w.raise(floor("ana@x", "l", 3), floor("ana@x", "l", 2))
	w.raise()

	got := w.floors(w.store, "nobody@x", "rui@x", "ana@x", "rui@x")
	if len(got[0]) != 0 || len(got[1]) != 1 || len(got[2]) != 3 || len(got[3]) != 1 || got[2][0].Position != 3 {
		t.Errorf("of several identities: %v", got)
	}
	if got := w.floors(w.store); len(got) != 0 {
		t.Errorf("of no identity: %v", got)
	}
	w.raise(floor("ANA@X/A", "l1", 8))
	upper := w.floors(w.store, "Ana@X")[0]
	if len(upper) != 3 || upper[1] != floor("Ana@X/a", "l1", 8) {
		t.Errorf("in another spelling: %v", upper)
	}
}

func floorsAreExact(_ *testing.T, w *world) {
	log := strings.Repeat("\x00 é\n~\xff", 4)
	for _, p := range []uint64{
		0, 1, 9, 10, 99, 100, 1<<53 - 2, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<53 + 2, math.MaxUint64 - 1, math.MaxUint64,
	} {
		w.raise(floor("ana@x", log, p))
		w.wantFloors("a higher one", "ana@x", floor("ana@x", log, p))
		if p > 0 {
			w.raise(floor("ana@x", log, p-1))
			w.wantFloors("one less changes nothing", "ana@x", floor("ana@x", log, p))
		}
	}
}

func badFloors(t *testing.T, w *world) {
	long := strings.Repeat("l", 33)
	for _, f := range []presence.Floor{
		floor("ana@x", "", 1), floor("ana@x", long, 1), floor("ana", "l", 1), floor("@x", "l", 1),
	} {
		if err := w.store.RaiseFloors(w.ctx(), []presence.Floor{floor("ana@x", "l", 1), f}); err == nil {
			t.Errorf("%v was raised", f)
		}
	}
	w.wantFloors("nothing was raised", "ana@x")
}

func manyFloors(t *testing.T, w *world) {
	const n = 300 // several pipelines
	var floors []presence.Floor
	var identities []string
	for i := range n {
		identities = append(identities, fmt.Sprintf("user%d@x", i))
		floors = append(floors, floor(identities[i], "l", uint64(i)), floor(identities[i]+"/1", "l", uint64(2*i)))
	}
	if ok := each(2, func(int) error { return w.store.RaiseFloors(w.ctx(), floors) }); ok != 2 {
		t.Errorf("%d of 2 raised at the same time", ok)
	}
	for i, got := range w.floors(w.store, identities...) {
		if want := floors[2*i : 2*i+2]; !reflect.DeepEqual(got, want) {
			t.Fatalf("floors of the %d. identity: %v, want %v", i, got, want)
		}
	}
}

func floorsEnd(_ *testing.T, w *world) {
	s := w.open(presence.Config{FloorTTL: 100 * time.Millisecond, Timeout: patience})
	w.must("raise", s.RaiseFloors(w.ctx(), []presence.Floor{floor("ana@x", "l", 1), floor("ana@x/1", "l", 1)}))
	w.eventually("they end", func() error {
		if got := w.floors(s, "ana@x")[0]; len(got) > 0 {
			return fmt.Errorf("there are %v", got)
		}
		return nil
	})
}

// instancesComeAndGo raises one floor again and again, and beside it those of
// instances that do not come again.
func instancesComeAndGo(t *testing.T, w *world) {
	const (
		old  = 200
		live = 400 * time.Millisecond
	)
	s := w.open(presence.Config{FloorTTL: live, Timeout: patience})
	var floors []presence.Floor
	for i := range old {
		floors = append(floors, floor(fmt.Sprintf("ana@x/old%d", i), "l", 1))
	}
	w.must("raise", s.RaiseFloors(w.ctx(), floors))
	n := 0
	w.eventually("the old ones go", func() error {
		n++
		began := time.Now()
		w.must("raise", s.RaiseFloors(w.ctx(), []presence.Floor{
			floor("ana@x/0", "l", uint64(n)), floor(fmt.Sprintf("ana@x/new%d", n), "l", 1),
		}))
		got := w.floors(s, "ana@x")[0]
		if took := time.Since(began); took >= live {
			return fmt.Errorf("raised and looked at within %v, in which all may end", took)
		}
		if len(got) == 0 || got[0] != floor("ana@x/0", "l", uint64(n)) {
			t.Fatalf("after %d raises, what is raised each time is gone", n)
		}
		left := 0
		for _, f := range got {
			if strings.HasPrefix(f.Instance, "old") {
				left++
			}
		}
		if left > old/20 {
			return fmt.Errorf("%d of %d are left after %d raises", left, old, n)
		}
		return nil
	})
}

func floorsAreBounded(t *testing.T, w *world) {
	const most = 1024
	var floors []presence.Floor
	for i := range most + 400 {
		floors = append(floors, floor(fmt.Sprintf("ana@x/%d", i), "l", 1))
	}
	w.raise(floors...)
	got := w.floors(w.store, "ana@x")[0]
	if len(got) != most {
		t.Errorf("%d floors of one identity, want %d", len(got), most)
	}
	w.raise(floor("ana@x", "l", 1))
	if got := w.floors(w.store, "ana@x")[0]; len(got) != most || got[0].Instance != "" {
		t.Errorf("the last one raised is not among %d", len(got))
	}
}

func floorsAfterAFlush(t *testing.T, w *world) {
	w.live("e1")
	w.register(reg("ana@x/1", "e1", "s1"))
	w.raise(floor("ana@x", "l", 9), floor("ana@x/1", "l", 9))
	w.redis.Flush(t)
	w.wantFloors("flushed", "ana@x")
	w.raise(floor("ana@x", "l", 4))
	w.wantFloors("raised again", "ana@x", floor("ana@x", "l", 4))
	w.redis.Forget(t)
	w.raise(floor("ana@x", "l", 5))
	w.wantFloors("by a script that was forgotten", "ana@x", floor("ana@x", "l", 5))
}

func floorsWhileAway(t *testing.T, w *world) {
	s := w.open(presence.Config{Timeout: 300 * time.Millisecond})
	many := make([]presence.Floor, 0, 50) // the embedded Redis is slow at scripts
	for i := range cap(many) {
		many = append(many, floor(fmt.Sprintf("user%d@x", i), "l", 1))
	}
	w.redis.Stop(t)
	if err := s.RaiseFloors(w.ctx(), many); err == nil {
		t.Error("floors were raised while Redis was away")
	}
	if got, err := s.Floors(w.ctx(), []lime.Identity{many[0].Identity}); err == nil {
		t.Errorf("floors came from nowhere: %v", got)
	}
	w.redis.Start(t)
	w.eventually("they are raised again", func() error { return s.RaiseFloors(w.ctx(), many) })
	w.eventually("they are there", func() error {
		all, err := s.Floors(w.ctx(), []lime.Identity{many[0].Identity, many[len(many)-1].Identity})
		if err == nil && (len(all[0]) != 1 || len(all[1]) != 1) {
			err = errors.New("some are missing")
		}
		return err
	})
}

// sweepLeavesOthers tells that only registrations are taken for registrations.
func sweepLeavesOthers(t *testing.T, w *world) {
	w.live("e1")
	guest := reg("ana@x/1", "e1", "s1")
	guest.Guest = true
	w.register(guest)
	w.unregister(guest)
	w.raise(floor("ana@x", "l", 1), floor("ana@x/1", "l", 1))
	_, err := w.store.Hold(w.ctx(), "work", "r1", time.Minute)
	w.must("hold", err)
	removed, err := w.store.Sweep(w.ctx(), func(presence.EdgeID) bool { return true })
	w.must("sweep", err)
	if len(removed) > 0 {
		t.Errorf("swept %v", removed)
	}
	w.wantFloors("after the sweep", "ana@x", floor("ana@x", "l", 1), floor("ana@x/1", "l", 1))
	w.wantSeen("after the sweep", "ana@x", "1")
}
