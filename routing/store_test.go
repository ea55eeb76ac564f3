package routing

import (
	"context"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"limegrove/lime"
	"limegrove/presence"
)

// TestOverTheRealRegistry has package presence in the place of the tests' own
// registry.
func TestOverTheRealRegistry(t *testing.T) {
	m := miniredis.RunT(t)
	m.ClockTTL(true)
	w := newWorld(t)
	edge := func(name string) (*testEdge, *presence.Store) {
		store, err := presence.Open(presence.Config{URL: "redis://" + m.Addr()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		lease(t, store, name)
		return w.edge(name, Config{Registry: store}), store
	}
	a, store := edge("a")
	b, storeB := edge("b")
	registered := func(identity string) map[string]string {
		i, err := lime.ParseIdentity(identity)
		if err != nil {
			t.Fatal(err)
		}
		v, err := store.View(context.Background(), i)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, r := range v.Registrations {
			all[r.Node.Instance] = r.Session
		}
		return all
	}

	ana, older, two := a.Guest("ana@t.org/1"), a.Guest("Rui@t.org/1"), b.Guest("rui@t.org/2")
	a.wantRemote("the other edge's session", "rui@t.org", "rui@t.org/2")
	newer := b.Guest("rui@t.org/1")
	older.WantEnd("it was replaced", lime.CodeSessionRegistrationError)
	two.SetPresence(&lime.Presence{Status: lime.StatusUnavailable})
	older.Leave()
	w.quiet()
	ana.SayID("1", "RUI@t.org", "x")
	newer.Want("the newer one is there", "x")
	two.WantNothing("the other has gone away")
	ana.SayID("2", "rui@t.org/2", "x")
	ana.Want("which its sender hears", "2 failed 42")
	if got := registered("rui@t.org"); len(got) != 2 || got["1"] != newer.session || got["2"] != two.session {
		t.Errorf("registered are %v", got)
	}

	m.FlushAll()
	lease(t, store, "a") // as KeepLease does
	lease(t, storeB, "b")
	a.RegisterAll()
	b.RegisterAll()
	w.quiet()
	if got := registered("rui@t.org"); len(got) != 2 || got["1"] != newer.session || got["2"] != two.session {
		t.Errorf("after a flush registered are %v", got)
	}
	here := a.Guest("rui@t.org/3")
	a.wantRemote("who comes then sees all", "rui@t.org", "rui@t.org/1", "rui@t.org/2")
	b.wantRemote("and is seen", "rui@t.org", "rui@t.org/3")

	for _, c := range []*client{ana, newer, two, here} {
		c.Leave()
	}
	w.quiet()
	for _, key := range m.Keys() {
		if !strings.HasPrefix(key, "lg:edge:") && !strings.HasPrefix(key, "lg:seen:") {
			t.Errorf("Redis still has %q beside the leases and the guests seen lately", key)
		}
	}
}

func lease(t *testing.T, s *presence.Store, edge string) {
	t.Helper()
	if err := s.PutLease(t.Context(), presence.Lease{Edge: presence.EdgeID("inc-" + edge)}); err != nil {
		t.Fatal(err)
	}
}
