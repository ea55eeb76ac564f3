package routing

import (
	"testing"

	"limegrove/lime"
)

// linked starts an edge that reaches the broker over a link of its own.
func (w *world) linked(name string, l *link, cfg Config) *testEdge {
	w.Helper()
	cfg.NATS = l.connect()
	return w.edge(name, cfg)
}

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

func TestChangesWhileTheBrokerIsAwayAreToldWhenItIsBack(t *testing.T) {
	bus := startBroker(t)
	w := &world{TB: t, registry: newRegistry()}
	l := newLink(t, bus)
	a, b := w.linked("a", l, Config{}), w.edge("b", Config{NATS: bus.connect("b")})
	leaves, changes := a.Guest("rui@t.org/1"), a.Guest("bia@t.org/1")
	b.Guest("rui@t.org/2")
	b.Guest("bia@t.org/2")
	b.wantRemote("before", "rui@t.org", "rui@t.org/1")
	b.wantRemote("likewise", "bia@t.org", "bia@t.org/1")

	l.Set(cut)
	a.wantAway()
	leaves.Leave()
	changes.SetPresence(&lime.Presence{Status: lime.StatusBusy, RoutingRule: lime.RouteInstance})
	w.registry.WantHolder(t, "the registry hears of it all the same", "rui@t.org/1", "")
	eventually(t, "of both", a.idle)
	l.Set(whole)
	eventually(t, "an edge that was never cut off hears who has left", func() bool { return len(b.remote("rui@t.org")) == 0 })
	eventually(t, "and who has changed", func() bool {
		return b.remote("bia@t.org")["bia@t.org/1"].Presence.RoutingRule == lime.RouteInstance
	})
}

// Until a connection that brings nothing is seen to be broken it takes all that is published.
func TestWhatABrokenConnectionHasTakenIsToldWhenItIsBack(t *testing.T) {
	bus := startBroker(t)
	w := &world{TB: t, registry: newRegistry()}
	l := newLink(t, bus)
	a, b := w.linked("a", l, Config{}), w.edge("b", Config{NATS: bus.connect("b")})
	leaves := a.Guest("bia@t.org/1")
	b.Guest("bia@t.org/2")
	a.Guest("rui@t.org/2") // so that the subscription is in force
	older, err := b.arrive("rui@t.org/1", true)
	if err != nil {
		t.Fatal(err)
	}
	b.wantRemote("before", "bia@t.org", "bia@t.org/1")

	l.Set(hanging)
	leaves.Leave()
	newer := a.Guest("rui@t.org/1")
	eventually(t, "the registry knows", a.idle)
	w.registry.WantHolder(t, "who has left", "bia@t.org/1", "")
	w.registry.WantHolder(t, "and who has come", "rui@t.org/1", newer.session)
	if n := a.count("limegrove_routing_dropped_total", string(dropBroker)); n != 0 {
		t.Fatalf("%v were not taken", n)
	}
	l.Set(cut)
	a.wantAway()
	l.Set(whole)
	eventually(t, "the other edge sees who has left", func() bool { return len(b.remote("bia@t.org")) == 0 })
	older.WantEnd("and its session hears that it was replaced", lime.CodeSessionRegistrationError)
}

func TestWhenMoreIsNotToldThanIsKeptAllAreRead(t *testing.T) {
	bus := startBroker(t)
	w := &world{TB: t, registry: newRegistry()}
	l := newLink(t, bus)
	a, b := w.idleEdge("a", Config{NATS: l.connect()}), w.edge("b", Config{NATS: bus.connect("b")})
	a.hints.most = 1
	a.run()
	var all []*client
	for _, name := range []string{"ana", "bia", "rui"} {
		all = append(all, a.Guest(name+"@t.org/1"))
		b.Guest(name + "@t.org/2")
		b.wantRemote("before", name+"@t.org", name+"@t.org/1")
	}

	l.Set(cut)
	a.wantAway()
	for _, c := range all {
		c.SetPresence(&lime.Presence{Status: lime.StatusBusy})
	}
	eventually(t, "the registry knows", a.idle)
	l.Set(whole)
	for _, c := range all {
		identity := c.Node().Identity.String()
		eventually(t, "the other edge hears of "+identity, func() bool {
			return b.remote(identity)[c.node].Presence.Status == lime.StatusBusy
		})
	}
}
