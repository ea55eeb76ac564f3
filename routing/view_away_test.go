package routing

import (
	"testing"

	"limegrove/lime"
)

// wantAway waits until an edge sees that its connection is broken.
func (e *testEdge) wantAway() {
	e.w.Helper()
	eventually(e.w, e.name+" sees that the broker is away", func() bool { return !e.nc.IsConnected() })
}

func TestViewsAreReadWhenTheBrokerHasTheSubscriptionsAgain(t *testing.T) {
	bus := startBroker(t)
	w := &world{TB: t, registry: newRegistry()}
	l := newLink(t, bus)
	a, b := w.idleEdge("a", Config{NATS: l.connect()}), w.edge("b", Config{NATS: bus.connect("b")})
	seen := make(chan string, 100) // what comes first when the broker is back
	flush := a.barrier.Flush
	a.barrier.Flush = func() error {
		seen <- "it asks whether the broker has all"
		return flush()
	}
	a.run()
	a.Guest("rui@t.org/1")
	two := b.Guest("rui@t.org/2")
	a.wantRemote("before", "rui@t.org", "rui@t.org/2")
	for len(seen) > 0 {
		<-seen
	}

	l.Set(cut)
	a.wantAway()
	w.registry.After(func(call string, _ lime.Node) {
		if call == "view" {
			seen <- "a view is read"
		}
	})
	l.Set(forgetful) // the connection is there, the subscriptions are not
	t.Log(<-seen)
	two.Leave()
	eventually(t, "it is told that it has left", b.idle)
	w.flush(b.nc)
	l.Set(whole)
	eventually(t, "what was told before the subscriptions were back is known", func() bool { return len(a.remote("rui@t.org")) == 0 })
}
