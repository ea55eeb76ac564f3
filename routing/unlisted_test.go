package routing

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
)

// backend is a place of backends at an edge, for a domain.
func (e *testEdge) backend(domain string) *client {
	e.w.Helper()
	node := lime.BackendNode(domain, "run-"+e.name)
	c := &client{e: e, node: node.String(), reads: true}
	m, err := e.AttachUnlisted(e.w.Context(), node, c)
	if err != nil {
		e.w.Fatal(err)
	}
	c.Member = m
	m.Activate()
	return c
}

func TestABackendHearsAndIsNobodysSession(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	back, rui := a.backend("t.org"), b.Login("rui@t.org/1", available)
	rui.Silent(true)
	back.SayID("m1", "rui@t.org", "one")
	rui.Want("it is there", "one")
	rui.Receipt("m1", back.node, "received")
	back.Want("what became of it", "m1 accepted", "m1 dispatched", "m1 received")

	back.mustRoute("rui@t.org", `{"id":"m2","from":"lia@t.org","pp":"`+back.node+`","to":"rui@t.org","type":"text/plain","content":"two"}`)
	rui.Want("in somebody's name", "two")
	rui.Receipt("m2", "lia@t.org", "received")
	back.Want("whose receipt comes here, too", "m2 accepted", "m2 dispatched", "m2 received")

	back.SayID("m3", "nobody@t.org/1", "x")
	a.RegisterAll()
	w.quiet()
	if v, err := w.registry.View(t.Context(), lime.Identity{Name: lime.Postmaster, Domain: "t.org"}); err != nil || len(v.Registrations) > 0 {
		t.Errorf("it is registered: %+v, %v", v, err)
	}
	back.Leave()
	back.Leave()
	w.quiet()
}

func TestAPlaceOfBackendsIsToldToNobody(t *testing.T) {
	p := &platform{}
	w := newWorld(t)
	e := w.edge("a", Config{Events: p})
	back := e.backend("t.org")
	rui := e.Login("rui@t.org/1")
	back.Leave()
	rui.Leave()
	w.quiet()
	p.want(t, "sessions are", "rui@t.org", "session.started s1 false inc-a", "session.ended s1 false inc-a")
	if got := p.of(t, "postmaster@t.org"); len(got) > 0 {
		t.Errorf("told %q", got)
	}
}

func TestTheServerMaySendToAnyGroupOfItsDomain(t *testing.T) {
	who := &writers{listeners: map[string]bool{"postmaster@t.org": true, "postmaster@example.org": true}}
	w, a := groupWorld(t, who)
	back, other := a.backend("t.org"), a.backend("example.org")
	back.SayID("m1", "ops@groups.t.org", "x")
	back.Want("its own", "m1 accepted")
	other.SayID("m2", "ops@groups.t.org", "x")
	other.Want("another's", "m2 failed 35")
	if n := len(w.stored()); n != 1 {
		t.Errorf("%d are stored, want 1", n)
	}
}

func TestASessionIsEndedFromElsewhere(t *testing.T) {
	w := newWorld(t)
	a := w.edge("a", Config{})
	rui, lia := a.Login("rui@t.org/1", available), a.Login("rui@t.org/2", available)
	w.quiet()
	view, err := w.registry.View(t.Context(), lime.MustParseIdentity("rui@t.org"))
	if err != nil || len(view.Registrations) != 2 {
		t.Fatalf("%+v, %v", view, err)
	}
	nc := w.connect()
	if err := EndSession(t.Context(), nc, view.Registrations[0], lime.NewReason(66, "Out")); err != nil {
		t.Error(err)
	}
	rui.WantEnd("it has ended", 66)
	lia.WantAlive("the other has not")
	if err := EndSession(t.Context(), nc, view.Registrations[0], lime.NewReason(66, "Out")); err != nil {
		t.Errorf("once more: %v", err)
	}
	gone := presence.Registration{Node: lime.MustParseNode("rui@t.org/1"), Edge: "inc-gone", Session: "s"}
	if err := EndSession(t.Context(), nc, gone, lime.NewReason(66, "Out")); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("of an edge that is no more: %v", err)
	}
}
