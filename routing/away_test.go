package routing

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

func TestSessionsArriveWhileRedisIsAway(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	w.registry.SetAway(true)
	ana, rui := a.Guest("ana@t.org/1"), b.Guest("rui@t.org/1")
	ana.SayID("1", "rui@t.org/1", "x")
	rui.Want("they reach each other", "x")
	ana.Leave()
	if n := b.count("limegrove_routing_registrations_pending"); n != 1 {
		t.Errorf("%v registrations are pending, want 1", n)
	}

	w.registry.SetAway(false)
	w.registry.WantHolder(t, "it is registered later", "rui@t.org/1", rui.session)
	w.quiet()
	w.registry.WantHolder(t, "one that has left is not", "ana@t.org/1", "")
	rui.Leave()
	a.wantNothingLeft()
	b.wantNothingLeft()
}

// stuck is a registry whose first registration takes as long as its caller lets it.
type stuck struct {
	*registry
	first sync.Once
}

// Register is that of Registry.
func (s *stuck) Register(ctx context.Context, r presence.Registration, keepOlder bool) (presence.View, *presence.Registration, error) {
	s.first.Do(func() { <-ctx.Done() })
	return s.registry.Register(ctx, r, keepOlder)
}

func TestASlowRedisHoldsUpALoginForABoundedTime(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{Timeout: 50 * time.Millisecond, Registry: &stuck{registry: w.registry}})
	rui := e.Guest("rui@t.org/1")
	w.registry.WantHolder(t, "it is registered later", "rui@t.org/1", rui.session)
}

func TestALoginDoesNotWaitForARedisKnownToBeAway(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	w.registry.SetAway(true)
	e.Guest("rui@t.org/1")
	eventually(t, "the edge knows that it is away", e.registrar.away.Load)
	release := make(chan struct{})
	w.registry.On(func(_ string, n lime.Node) {
		if n.Instance == "2" {
			<-release // as long as Redis likes
		}
	})
	two := e.Guest("rui@t.org/2")
	three := e.Guest("ana@t.org/1")
	three.Say("rui@t.org/2", "x")
	two.Want("it is there at once", "x")
	w.registry.SetAway(false)
	close(release)
	w.registry.WantHolder(t, "and registered later", "rui@t.org/2", two.session)
	eventually(t, "the edge no longer believes that Redis is away", func() bool { return !e.registrar.away.Load() })
}

func TestARegistryThatWasEmptiedIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	busy := lime.Presence{Status: lime.StatusBusy, Message: "later"}
	a.Login("rui@t.org/1", busy)
	b.Guest("rui@t.org/2")
	arriving, err := b.arrive("ana@t.org/1", true)
	if err != nil {
		t.Fatal(err)
	}
	w.quiet()
	before := w.registry.Registered()

	w.registry.Flush()
	a.RegisterAll()
	b.RegisterAll()
	w.quiet()
	after := w.registry.Registered()
	if len(before) != 3 || !slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))) {
		t.Errorf("registered are %v, and after a flush %v", before, after)
	}
	if got := after["rui@t.org/1"]; got.Presence.Status != busy.Status || got.Presence.Message != busy.Message {
		t.Errorf("the presence became %v", got.Presence)
	}
	if a, b := a.remote("rui@t.org"), b.remote("rui@t.org"); len(a) != 1 || len(b) != 1 {
		t.Errorf("each edge sees one elsewhere: %v, %v", a, b)
	}
	arriving.Activate()
	arriving.WantAlive("it has arrived")
}

func TestWhoeverLeavesWhileRedisIsAwayWasNeverThere(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	w.registry.SetAway(true)
	first := e.Guest("rui@t.org/1")
	eventually(t, "the edge knows that it is away", func() bool { return w.registry.Calls("register") > 1 })
	second := e.Guest("ana@t.org/1")
	first.Leave()
	second.Leave()
	w.registry.SetAway(false)
	e.wantNothingLeft()
	third := e.Guest("rui@t.org/2")
	w.registry.WantHolder(t, "it goes on", "rui@t.org/2", third.session)
}
