package presencetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
)

func manyAtOnce(t *testing.T, w *world) {
	const n = 50
	var mu sync.Mutex
	replaced := map[string]bool{}
	last, best := "", int64(0)
	versions := map[int64]bool{}
	var wg sync.WaitGroup
	for i := range n {
		edge := presence.EdgeID(fmt.Sprint("e", i%7))
		w.live(edge)
		session := fmt.Sprint("s", i)
		wg.Go(func() {
			v, old, err := w.store.Register(w.ctx(), reg("ana@x/1", edge, session), false)
			if err != nil {
				t.Errorf("register: %v", err)
				return
			}
			w.wantSessions("right after", v, session)
			mu.Lock()
			defer mu.Unlock()
			if old != nil {
				if replaced[old.Session] {
					t.Errorf("%s was replaced twice", old.Session)
				}
				replaced[old.Session] = true
			}
			versions[v.Version] = true
			if v.Version > best {
				best, last = v.Version, session
			}
		})
	}
	wg.Wait()
	if len(replaced) != n-1 || replaced[last] {
		t.Errorf("%d of %d were replaced, the last one: %v", len(replaced), n, replaced[last])
	}
	if len(versions) != n {
		t.Errorf("%d different versions of %d changes", len(versions), n)
	}
	v := w.view("ana@x")
	w.wantSessions("at last", v, last)
	if v.Version != best {
		t.Errorf("at last version %d, want %d", v.Version, best)
	}
}

func manyAtOnceKeep(t *testing.T, w *world) {
	w.live("e1")
	won := make(chan string, 50)
	var wg sync.WaitGroup
	for i := range cap(won) {
		wg.Go(func() {
			session := fmt.Sprint("s", i)
			_, _, err := w.store.Register(w.ctx(), reg("ana@x/1", "e1", session), true)
			switch {
			case err == nil:
				won <- session
			case !errors.Is(err, presence.ErrTaken):
				t.Errorf("register: %v", err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d won, want 1", len(won))
	}
	w.wantSessions("at last", w.view("ana@x"), <-won)
}

func staleSession(t *testing.T, w *world) {
	w.live("e1", "e2")
	old, now := reg("ana@x/1", "e1", "s1"), reg("ana@x/1", "e2", "s2")
	w.register(old)
	v, _ := w.register(now)

	gone := func(what string, version int64, err error) {
		t.Helper()
		if !errors.Is(err, presence.ErrGone) || version != v.Version {
			t.Errorf("%s: version %d, %v; want ErrGone and %d", what, version, err, v.Version)
		}
	}
	version, err := w.store.Update(w.ctx(), old)
	gone("update by the older", version, err)
	version, err = w.store.Unregister(w.ctx(), old.Node, "s1")
	gone("unregister by the older", version, err)
	version, err = w.store.Unregister(w.ctx(), old.Node, "s")
	gone("a session whose name begins alike", version, err)

	now.Presence.Status = lime.StatusAway
	both := w.store.UpdateAll(w.ctx(), []presence.Registration{old, now})
	gone("update by the older beside another", both[0].Version, both[0].Err)
	w.must("update", both[1].Err)
	if version = both[1].Version; version != v.Version+1 {
		t.Errorf("update made version %d of %d", version, v.Version)
	}
	if got := w.view("ana@x").Registrations[0].Presence.Status; got != lime.StatusAway {
		t.Errorf("status %q after the update", got)
	}
	version, err = w.store.Unregister(w.ctx(), now.Node, "s2")
	w.must("unregister", err)
	if version != v.Version+2 {
		t.Errorf("unregister made version %d of %d", version, v.Version+1)
	}
	if v := w.view("ana@x"); v.Version != 0 || len(v.Registrations) != 0 {
		t.Errorf("after the last one: %v, want nothing", v)
	}
	v = presence.View{}
	version, err = w.store.Unregister(w.ctx(), now.Node, "s2")
	gone("unregister twice", version, err)
	version, err = w.store.Update(w.ctx(), now)
	gone("update of nothing", version, err)
}

func versionsRise(t *testing.T, w *world) {
	w.live("e1")
	r := reg("ana@x/1", "e1", "s1")
	var last int64
	rises := func(what string, v int64) {
		t.Helper()
		if v <= last {
			t.Errorf("%s: version %d after %d", what, v, last)
		}
		last = v
	}
	for range 3 {
		v, _ := w.register(r)
		rises("registered", v.Version)
		n, err := w.store.Unregister(w.ctx(), r.Node, "s1")
		w.must("unregister", err)
		rises("unregistered", n)
	}
	v, _ := w.register(r)
	rises("registered", v.Version)
	w.redis.Flush(t)
	v, _ = w.register(r)
	rises("registered after a flush", v.Version)
}
