package presencetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
)

func registerReturnsTheWholeView(t *testing.T, w *world) {
	w.live("e1", "e2")
	v1, replaced := w.register(reg("ana@x/b", "e1", "s1"))
	if replaced != nil {
		t.Errorf("a first session replaced %v", replaced)
	}
	w.wantSessions("first", v1, "s1")
	v2, _ := w.register(reg("ana@x/a", "e2", "s2"))
	w.wantSessions("sorted by instance", v2, "s2", "s1")
	if v2.Version != v1.Version+1 {
		t.Errorf("versions %d, %d, want successors", v1.Version, v2.Version)
	}
	if v := w.view("ana@x"); v.Version != v2.Version || len(v.Registrations) != 2 {
		t.Errorf("View gives %v, Register gave %v", v, v2)
	}
	raw, err := w.store.RawView(w.ctx(), lime.MustParseIdentity("ana@x"))
	w.must("raw view", err)
	w.wantSessions("raw view", raw, "s2", "s1")
	w.wantSessions("another identity", w.view("rui@x"))
	if v := w.view("rui@x"); v.Version != 0 {
		t.Errorf("nobody's view has version %d, want 0", v.Version)
	}
}

func everythingComesBack(t *testing.T, w *world) {
	w.live("edge-1-af3c")
	r := reg("Ana.Ção@Example.ORG/Home 1", "edge-1-af3c", "52d59849-19a8-4b2d-86b7-3fa563cdb616")
	r.Guest = true
	r.Presence = lime.Presence{
		Status: lime.StatusBusy, Message: "até já\n☕", RoutingRule: lime.RouteIdentityByPriority, Priority: -7,
		FilterByDistance: true, RoundRobin: true, Echo: true, Promiscuous: true,
	}
	v, _ := w.register(r)
	if got := fmt.Sprintf("%+v", v.Registrations); got != fmt.Sprintf("%+v", []presence.Registration{r}) {
		t.Errorf("got %s\nwant %+v", got, r)
	}
}

func newerReplaces(t *testing.T, w *world) {
	w.live("e1", "e2")
	w.register(reg("ana@x/1", "e1", "s1"))
	v, replaced := w.register(reg("ana@x/1", "e2", "s2"))
	if replaced == nil || replaced.Session != "s1" || replaced.Edge != "e1" {
		t.Errorf("replaced %v, want s1 of e1", replaced)
	}
	w.wantSessions("after", v, "s2")
	_, replaced = w.register(reg("ana@x/1", "e2", "s2"))
	if replaced != nil {
		t.Errorf("a session replaced itself: %v", replaced)
	}
}

func olderKeeps(t *testing.T, w *world) {
	w.live("e1", "e2")
	w.register(reg("ana@x/1", "e1", "s1"))
	_, _, err := w.store.Register(w.ctx(), reg("Ana@x/1", "e2", "s2"), true)
	if !errors.Is(err, presence.ErrTaken) || !strings.HasPrefix(err.Error(), "register Ana@x/1: ") {
		t.Errorf("got %v, want ErrTaken that says what was done", err)
	}
	_, _, err = w.store.Register(w.ctx(), reg("ana@x/1", "e1", "s1"), true)
	w.must("the older session itself", err)
	v, _, err := w.store.Register(w.ctx(), reg("ana@x/2", "e2", "s2"), true)
	w.must("a free node", err)
	w.wantSessions("after", v, "s1", "s2")
}

func deadKeepsNothing(t *testing.T, w *world) {
	w.live("e2")
	w.die("e1")
	w.register(reg("ana@x/1", "e1", "s1"))
	v, replaced, err := w.store.Register(w.ctx(), reg("ana@x/1", "e2", "s2"), true)
	w.must("take over", err)
	if replaced == nil || replaced.Session != "s1" {
		t.Errorf("replaced %v, want s1", replaced)
	}
	w.wantSessions("after", v, "s2")
}

func spellings(t *testing.T, w *world) {
	w.live("e1")
	w.register(reg("ANA@X/Phone", "e1", "s1"))
	v, replaced := w.register(reg("ana@x/phone", "e1", "s2"))
	if replaced == nil || replaced.Node != lime.MustParseNode("ANA@X/Phone") {
		t.Errorf("replaced %v, want ANA@X/Phone as it was announced", replaced)
	}
	w.wantSessions("after", v, "s2")
	w.wantSessions("other spelling", w.view("aNa@X"), "s2")
	_, err := w.store.Unregister(w.ctx(), lime.MustParseNode("Ana@x/PHONE"), "s2")
	w.must("unregister", err)
}

func strangeNames(t *testing.T, w *world) {
	w.live("e1")
	names := []string{"a{b}c", "a", "{}", "}", "{", "%7b", "a%40x", "lg", "é", "*", "[a-z]", "a b", "\\"}
	for i, n := range names {
		w.register(reg(n+"@x/1", "e1", fmt.Sprint("s", i)))
	}
	for i, n := range names {
		w.wantSessions(n, w.view(n+"@x"), fmt.Sprint("s", i))
	}
	w.die("e1")
	removed, err := w.store.Sweep(w.ctx(), func(presence.EdgeID) bool { return true })
	w.must("sweep", err)
	var got []string
	for _, r := range removed {
		got = append(got, r.Node.Name)
	}
	slices.Sort(got)
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("swept %q, want %q", got, names)
	}
}

func badRegistrations(t *testing.T, w *world) {
	long := strings.Repeat("x", 128)
	for _, r := range []presence.Registration{
		reg("ana@x", "e1", "s"), reg("@x/1", "e1", "s"), reg("ana@x/1", "e1", ""), reg("ana@x/1", "e1", long),
		reg("ana@x/1", "", "s"), reg("ana@x/1", "e.1", "s"), reg("ana@x/1", presence.EdgeID(long), "s"),
		{Node: lime.Node{Identity: lime.Identity{Name: "ana", Domain: "x"}, Instance: "\nv"}, Edge: "e1", Session: "s"},
	} {
		if _, _, err := w.store.Register(w.ctx(), r, false); err == nil {
			t.Errorf("%+v was registered", r)
		}
	}
	if v := w.view("ana@x"); v.Version != 0 {
		t.Errorf("something was stored: %v", v)
	}
}

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
	version, err = w.store.Update(w.ctx(), now)
	w.must("update", err)
	if version != v.Version+1 {
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
