package routing

import (
	"context"
	"fmt"
	"testing"

	"limegrove/lime"
)

func TestAnIdentityHasOnlySoManySessions(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		here.SetBounds(Bounds{MaxPerIdentity: 2})
		there.SetBounds(Bounds{MaxPerIdentity: 2})
		one, two := here.Guest("rui@t.org/1"), there.Guest("rui@t.org/2")
		w.quiet()

		_, err := here.arrive("rui@t.org/3", true)
		w.wantReason("a third one is refused", err, lime.CodeSessionRegistrationError)
		newer, err := here.arrive("rui@t.org/2", true)
		if err != nil {
			t.Fatalf("one that takes an older one's place is none more: %v", err)
		}
		newer.Activate()
		two.WantEnd("the older one was replaced", lime.CodeSessionRegistrationError)
		one.WantAlive("nobody else was hurt")

		one.Leave()
		w.quiet()
		here.Guest("rui@t.org/3")
		here.Guest("ana@t.org/1").WantAlive("another identity has its own count")
	})
}

func TestTheLimitHoldsOnAnEdgeThatKnewNothing(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{MaxPerIdentity: 1}), w.edge("b", Config{MaxPerIdentity: 1})
	a.Guest("rui@t.org/1")
	_, err := b.arrive("rui@t.org/2", true)
	w.wantReason("the registry tells of the other edge", err, lime.CodeSessionRegistrationError)
	b.wantNothingLeft()
	w.registry.WantHolder(t, "the first one stays", "rui@t.org/1", "s1")
}

func TestTheLimitHoldsForThoseThatArriveAtOnce(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{MaxPerIdentity: 3})
	release := make(chan struct{})
	w.registry.On(func(string, lime.Node) { <-release })
	errs := make(chan error)
	for i := range 10 {
		c := &client{e: e}
		go func() {
			_, err := e.Attach(context.Background(), Arrival{
				Node: lime.MustParseNode(fmt.Sprintf("rui@t.org/%d", i)), Session: fmt.Sprint(i), Guest: true,
			}, c)
			errs <- err
		}()
	}
	for range 7 {
		w.wantReason("seven are refused while three arrive", <-errs, lime.CodeSessionRegistrationError)
	}
	close(release)
	for range 3 {
		if err := <-errs; err != nil {
			t.Errorf("one of the three: %v", err)
		}
	}
}
