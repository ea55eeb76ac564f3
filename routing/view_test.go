package routing

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// tell publishes a change of a view, as another edge does.
func (w *world) tell(v viewEvent) {
	w.Helper()
	key, err := subject.MakeKey(v.Node.Identity)
	if err != nil {
		w.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		w.Fatal(err)
	}
	w.publishTo(w.edges[0].nc, key.View(), "", string(data))
}

// wantRemote checks an edge's view of the others.
func (e *testEdge) wantRemote(why, identity string, nodes ...string) {
	e.w.Helper()
	e.w.quiet()
	got := slices.Sorted(maps.Keys(e.remote(identity)))
	if !slices.Equal(got, nodes) {
		e.w.Errorf("%s: %s sees %q, want %q", why, e.name, got, nodes)
	}
}

// version is that of an edge's view.
func (e *testEdge) version(identity string) int64 {
	b := e.hub(identity)
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	return b.version
}

func elsewhere(node string) presence.Registration {
	return presence.Registration{Node: lime.MustParseNode(node), Edge: "inc-x", Session: "sx", Guest: true}
}

func TestAnEdgeFollowsTheViewsOfOthers(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.edge("a", Config{}), w.edge("b", Config{}), w.edge("c", Config{})
	one := a.Guest("rui@t.org/1")
	w.quiet()
	two := b.Guest("Rui@t.org/2")
	c.Guest("ana@t.org/1")
	a.wantRemote("the other edge's session", "rui@t.org", "Rui@t.org/2")
	b.wantRemote("likewise", "rui@t.org", "rui@t.org/1")
	c.wantRemote("an edge without the identity has no view", "rui@t.org")
	if got := one.Instances(); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("the identity's instances are %q", got)
	}

	two.SetPresence(&lime.Presence{Status: lime.StatusInvisible})
	w.quiet()
	if got := a.remote("rui@t.org")["Rui@t.org/2"].Presence.Status; got != lime.StatusInvisible {
		t.Errorf("a change of presence arrives as %q", got)
	}
	if got := one.Instances(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("an invisible one is not told of: %q", got)
	}
	if got := two.Presence().Status; got != lime.StatusInvisible {
		t.Errorf("its own edge says %q", got)
	}
	two.Leave()
	a.wantRemote("it has left", "rui@t.org")
	for _, e := range []*testEdge{a, b, c} {
		if n := e.count("limegrove_routing_view_reads_total"); n != 0 {
			t.Errorf("%s has read %v views, want none but those that registering brought", e.name, n)
		}
	}
}

func TestEventsOfAViewAreAppliedInOrder(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	e.Guest("rui@t.org/1")
	w.quiet()
	v := e.version("rui@t.org")
	reads := func() float64 { return e.count("limegrove_routing_view_reads_total") }

	w.tell(viewEvent{Version: v + 1, Registration: elsewhere("rui@t.org/2")})
	e.wantRemote("the successor is applied", "rui@t.org", "rui@t.org/2")
	w.tell(viewEvent{Version: v + 2, Registration: elsewhere("RUI@T.org/2"), Gone: true})
	e.wantRemote("also when it spells the node differently", "rui@t.org")
	w.tell(viewEvent{Version: v + 2, Registration: elsewhere("rui@t.org/3")})
	w.tell(viewEvent{Version: v, Registration: elsewhere("rui@t.org/3")})
	w.tell(viewEvent{Version: 0, Registration: elsewhere("rui@t.org/3")})
	e.wantRemote("what is not greater is ignored", "rui@t.org")
	own := elsewhere("rui@t.org/1")
	own.Edge = e.cfg.Edge
	w.tell(viewEvent{Version: v + 3, Registration: own})
	w.tell(viewEvent{Version: v + 4, Registration: elsewhere("rui@t.org/4")})
	e.wantRemote("own changes count, but are not elsewhere", "rui@t.org", "rui@t.org/4")
	if reads() != 0 {
		t.Errorf("%v views were read, want none so far", reads())
	}

	w.tell(viewEvent{Version: v + 6, Registration: elsewhere("rui@t.org/6")})
	e.wantRemote("after a gap the registry is asked", "rui@t.org")
	if reads() != 1 {
		t.Errorf("%v views were read, want 1", reads())
	}
	w.registry.hold(t, "rui@t.org/7", "inc-x", "s7")
	w.tell(viewEvent{Doubt: true, Registration: elsewhere("rui@t.org/7")})
	e.wantRemote("and when the teller is in doubt", "rui@t.org", "rui@t.org/7")
}

func TestAViewThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	e.Guest("rui@t.org/1")
	w.quiet()
	v := e.version("rui@t.org")
	read, release := make(chan struct{}), make(chan struct{})
	w.registry.After(func(call string, _ lime.Node) {
		if call == "view" {
			w.registry.After(nil)
			close(read)
			<-release
		}
	})
	w.tell(viewEvent{Version: v + 5, Registration: elsewhere("rui@t.org/5")}) // a gap
	w.wait("the view is read", read)
	// Both come after what was read, and before it is taken.
	reg := w.registry.hold(t, "rui@t.org/2", "inc-x", "s2")
	w.tell(viewEvent{Version: v + 1, Registration: reg})
	w.settle()
	close(release)
	e.wantRemote("the later change is not lost", "rui@t.org", "rui@t.org/2")
}

func TestAViewThatComesLateDoesNotHideANewerOne(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	registered, release := make(chan struct{}), make(chan struct{})
	w.registry.After(func(call string, n lime.Node) {
		if call == "register" && n.Instance == "1" {
			w.registry.After(nil)
			close(registered)
			<-release
		}
	})
	arrived := make(chan *client)
	go func() {
		c, err := a.arrive("rui@t.org/1", true)
		if err != nil {
			t.Error(err)
		}
		arrived <- c
	}()
	w.wait("the registry has taken the first", registered)
	c := &client{e: b, node: "rui@t.org/2", session: "second"}
	var err error
	c.Member, err = b.Attach(t.Context(), Arrival{Node: lime.MustParseNode(c.node), Session: c.session, Guest: true}, c)
	if err != nil {
		t.Fatal(err)
	}
	c.Activate()
	w.settle() // the first one's edge hears of the second before of its own
	close(release)
	(<-arrived).Activate()
	a.wantRemote("the first sees the second", "rui@t.org", "rui@t.org/2")
	b.wantRemote("and the second the first", "rui@t.org", "rui@t.org/1")
}

func TestADeadEdgeIsDroppedFromAllViews(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana := a.Guest("ana@t.org/1")
	a.Guest("rui@t.org/1")
	b.Guest("rui@t.org/2")
	reg := w.registry.hold(t, "rui@t.org/3", "inc-x", "s3")
	w.tell(viewEvent{Version: a.version("rui@t.org") + 10, Registration: reg})
	a.wantRemote("before", "rui@t.org", "rui@t.org/2", "rui@t.org/3")
	ana.SayID("1", "rui@t.org/3", "x")
	ana.WantNothing("while it is thought to live, its edge speaks for it")

	a.DropEdge("inc-x")
	b.DropEdge("inc-x")
	a.wantRemote("after", "rui@t.org", "rui@t.org/2")
	ana.SayID("2", "rui@t.org/3", "x")
	ana.Want("now nobody is there", "2 failed 42")
}

func TestARouterTellsWhatItHasRemoved(t *testing.T) {
	w := newWorld(t)
	a := w.edge("a", Config{})
	a.Guest("rui@t.org/1")
	reg := w.registry.hold(t, "rui@t.org/3", "inc-x", "s3")
	w.quiet()
	w.tell(viewEvent{Version: a.version("rui@t.org") + 1, Registration: reg})
	a.wantRemote("before", "rui@t.org", "rui@t.org/3")

	version, err := w.registry.remove(reg.Node, "s3")
	if err != nil {
		t.Fatal(err)
	}
	if err := TellRemoved(a.nc, presence.Removed{Registration: reg, Version: version}); err != nil {
		t.Fatal(err)
	}
	a.wantRemote("after", "rui@t.org")
	if n := a.count("limegrove_routing_view_reads_total"); n != 0 {
		t.Errorf("%v views were read, want none", n)
	}
	if err := TellRemoved(a.nc, presence.Removed{Registration: presence.Registration{
		Node: lime.Node{Identity: lime.Identity{Name: string(make([]byte, 2*subject.Max)), Domain: "t"}},
	}}); err == nil {
		t.Error("an address without a subject was told of")
	}
}

func TestAnAccountEndsTheGuestsOfItsName(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	maker := a.Guest("Rui@t.org/ maker ")
	other, far := a.Guest("rui@t.org/2"), b.Guest("rui@t.org/3")
	known, ana := a.Login("rui@t.org/4"), b.Guest("ana@t.org/1")
	arriving, err := b.arrive("rui@t.org/5", true)
	if err != nil {
		t.Fatal(err)
	}
	w.quiet()
	tell := func(e AccountEvent) {
		t.Helper()
		e.Identity = lime.Identity{Name: "rui", Domain: "t.org"}
		if err := TellAccount(b.nc, e); err != nil {
			t.Fatal(err)
		}
	}
	tell(AccountEvent{Maker: maker.Node(), GuestsOnly: true})
	other.WantEnd("a guest of that name", lime.CodeSessionRegistrationError)
	far.WantEnd("on another edge, too", lime.CodeSessionRegistrationError)
	arriving.WantEnd("and one that arrives", lime.CodeSessionRegistrationError)
	w.settle()
	maker.WantAlive("who has made the account stays")
	known.WantAlive("who has logged in to it stays")

	tell(AccountEvent{Maker: maker.Node()})
	known.WantEnd("who had logged in to an earlier account of the name", lime.CodeSessionRegistrationError)
	w.settle()
	maker.WantAlive("who has made the account stays")

	late := a.Login("rui@t.org/6")
	tell(AccountEvent{Spared: maker.Node()})
	late.WantEnd("when it is deleted, everybody", lime.CodeSessionRegistrationError)
	w.settle()
	maker.WantAlive("but for the session that has deleted it")
	tell(AccountEvent{})
	maker.WantEnd("until it is told again", lime.CodeSessionRegistrationError)
	w.settle()
	ana.WantAlive("other names are not concerned")
}

// An edge that only Redis does not hear of hears of others by the broker.
func TestAnEdgeWithoutALeaseIsTold(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	a.Guest("rui@t.org/1")
	w.registry.mu.Lock()
	w.registry.lapsed = "a"
	w.registry.mu.Unlock()
	second := b.Guest("rui@t.org/2")
	w.settle()
	a.wantRemote("who has come", "rui@t.org", "rui@t.org/2")
	second.Leave()
	w.settle()
	a.wantRemote("who has gone", "rui@t.org")
}

func TestOfWhoIsAloneNobodyIsTold(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	nc := w.connect()
	told, err := nc.SubscribeSync("to.org.t.@.rui._view")
	if err != nil {
		t.Fatal(err)
	}
	want := func(why string, n int) {
		t.Helper()
		w.quiet()
		w.flush(nc)
		if got, _, err := told.Pending(); err != nil || got != n {
			t.Errorf("%s: %d were told (%v), want %d", why, got, err, n)
		}
	}
	w.flush(nc)
	first := a.Guest("rui@t.org/1")
	a.Guest("rui@t.org/2").Leave()
	first.SetPresence(&lime.Presence{Status: lime.StatusBusy})
	want("all are on one edge", 0)
	b.Guest("rui@t.org/3")
	want("one is elsewhere", 1)
	a.wantRemote("those who were there know", "rui@t.org", "rui@t.org/3")
	b.wantRemote("and who has come", "rui@t.org", "rui@t.org/1")
	a.Guest("rui@t.org/4")
	want("another comes", 2)
	first.SetPresence(&lime.Presence{Status: lime.StatusAway})
	want("one has another presence", 3)
	first.Leave()
	want("one goes", 4)
	b.wantRemote("that is known, too", "rui@t.org", "rui@t.org/4")
}
