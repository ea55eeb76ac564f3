package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"limegrove/lime"
)

func (w *world) wantReason(why string, err error, code lime.Code) {
	w.Helper()
	if r := lime.AsReason(err); r == nil || r.Code != code {
		w.Errorf("%s: got %v, want a reason with %d", why, err, code)
	}
}

// wantNothingLeft checks that an edge whose sessions have all left keeps nothing.
func (e *testEdge) wantNothingLeft() {
	e.w.Helper()
	e.w.quiet()
	if n := e.subscriptions(); n != 0 {
		e.w.Errorf("%s has %d subscriptions of hubs", e.name, n)
	}
	if n := e.count("limegrove_routing_hubs"); n != 0 {
		e.w.Errorf("%s counts %v hubs", e.name, n)
	}
	for _, s := range e.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			e.w.Errorf("%s still has a hub for %s", e.name, b.key)
		}
		s.mu.Unlock()
	}
	for node, reg := range e.w.registry.Registered() {
		if reg.Edge == e.cfg.Edge {
			e.w.Errorf("%s is still registered on %s for %s", node, e.name, reg.Session)
		}
	}
}

// subscriptions counts those of an edge's hubs.
func (e *testEdge) subscriptions() (n int) {
	for _, s := range e.shards {
		n += s.interest.Len()
	}
	return n
}

func TestAnIdentityHasOneSubscriptionPerEdge(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	var all []*client
	for i := range 5 {
		all = append(all, e.Guest(fmt.Sprintf("rui@t.org/%d", i)))
	}
	all = append(all, e.Guest("RUI@T.ORG/5"))
	if n := e.subscriptions(); n != 1 {
		t.Errorf("six sessions of one identity have %d subscriptions, want one", n)
	}
	e.Guest("ana@t.org/1").Leave()
	for i, c := range all {
		if n := e.subscriptions(); n != 1 {
			t.Errorf("after %d have left there are %d subscriptions", i, n)
		}
		c.Leave()
		c.Leave() // may be called twice
	}
	e.wantNothingLeft()
}

func TestNothingIsDeliveredBeforeActivate(t *testing.T) { // L-SES-33
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		ana := here.Guest("ana@t.org/1")
		rui, err := there.arrive("rui@t.org/1", true)
		if err != nil {
			t.Fatal(err)
		}
		ana.SayID("1", "rui@t.org/1", "too early")
		ana.Want("nobody is there yet", "1 failed 42")
		rui.Activate()
		ana.Say("rui@t.org/1", "now")
		rui.Want("only what came later", "now")
	})
}

func TestASessionThatLeavesWhileItIsRegisteredIsGone(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	w.registry.SetAway(true)
	rui := e.Guest("rui@t.org/1")
	entered, release := make(chan struct{}), make(chan struct{})
	w.registry.On(func(call string, _ lime.Node) {
		if call == "register" {
			w.registry.On(nil)
			w.registry.SetAway(false)
			close(entered)
			<-release
		}
	})
	w.wait("the registrar registers it", entered)
	rui.Leave()
	close(release)
	e.wantNothingLeft()
}

func TestLeavingIsToldWhenNobodyHeardThatItWasDone(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	one := a.Guest("rui@t.org/1")
	b.Guest("rui@t.org/2")
	w.quiet()
	w.registry.After(func(call string, _ lime.Node) {
		if call == "unregister" {
			w.registry.After(nil)
			w.registry.SetDeaf(true)
		}
	})
	w.registry.On(func(call string, _ lime.Node) {
		if call == "unregister" && w.registry.Calls(call) == 2 {
			w.registry.SetDeaf(false)
		}
	})
	one.Leave()
	eventually(t, "the other edge sees that it is gone", func() bool { return len(b.remote("rui@t.org")) == 0 })
}

func TestLeavingIsToldWhenItWasDoneTwice(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	one := a.Guest("rui@t.org/1")
	b.Guest("rui@t.org/2")
	b.wantRemote("before", "rui@t.org", "rui@t.org/1")
	w.registry.On(func(call string, n lime.Node) {
		if call == "unregister" { // the library does it again when the connection breaks before the answer
			if _, err := w.registry.remove(n, one.session); err != nil {
				t.Error(err)
			}
		}
	})
	one.Leave()
	b.wantRemote("it is gone", "rui@t.org")
}

func TestAnAttachThatCannotSubscribeLeavesNothing(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	e.barrier.Flush = func() error { return errors.New("no answer") }
	if _, err := e.arrive("rui@t.org/1", true); err == nil || lime.AsReason(err) != nil {
		t.Errorf("got %v, want an error that is ours", err)
	}
	e.wantNothingLeft()
}

func TestASessionIsRegisteredWhenItsSubscriptionIsInForce(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	flush := e.barrier.Flush
	e.barrier.Flush = func() error {
		if n := w.registry.Calls("register"); n != 0 {
			t.Error("a change that another edge tells now is lost")
		}
		return flush()
	}
	e.Guest("rui@t.org/1")
	if n := w.registry.Calls("register"); n != 1 {
		t.Errorf("registered %d times", n)
	}
}

func TestAttachEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ctx, cancel := context.WithCancel(t.Context())
	entered, release := make(chan struct{}), make(chan struct{})
	e.barrier.Flush = func() error {
		close(entered)
		<-release
		return nil
	}
	done := make(chan error, 1)
	go func() {
		_, err := e.Attach(ctx, Arrival{Node: lime.MustParseNode("rui@t.org/1"), Session: "s", Guest: true}, &client{e: e})
		done <- err
	}()
	w.wait("it waits for the broker", entered)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	e.wantNothingLeft()
}

func TestStormsOfArrivalsLeaveNothingBehind(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{Shards: 1}), w.edge("b", Config{Shards: 3})
	var all sync.WaitGroup
	for i := range 8 {
		e := []*testEdge{a, b}[i%2]
		all.Go(func() {
			for j := range 60 {
				// Few nodes, so that they replace each other all the time.
				node := fmt.Sprintf("rui%d@t.org/%d", (i+j)%2, j%3)
				c := &client{e: e, node: node, session: fmt.Sprintf("%d.%d", i, j)}
				m, err := e.Attach(context.Background(), Arrival{Node: lime.MustParseNode(node), Session: c.session, Guest: true}, c)
				if err != nil {
					t.Errorf("%s: %v", node, err)
					continue
				}
				if j%5 != 0 {
					m.Activate()
				}
				if j%4 == 0 {
					m.SetPresence(&available)
				}
				m.Leave()
			}
		})
	}
	all.Wait()
	a.wantNothingLeft()
	b.wantNothingLeft()
}
