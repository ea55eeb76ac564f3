package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"limegrove/lime"
)

func TestTheNewerReplacesTheOlderOnOneEdge(t *testing.T) { // L-SES-21
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana, older := e.Guest("ana@t.org/1"), e.Guest("rui@t.org/1")

	newer, err := e.arrive("RUI@t.org/1", true)
	if err != nil {
		t.Fatal(err)
	}
	ana.Say("rui@t.org/1", "before")
	older.Want("the older one is delivered until the newer is announced", "before")
	older.WantAlive("likewise")

	newer.Activate()
	older.WantEnd("then it ends", lime.CodeSessionRegistrationError)
	ana.Say("rui@t.org/1", "after")
	newer.Want("the newer one is delivered", "after")
	older.WantNothing("the older one is not")

	older.Leave() // as an edge does when the connection closes
	w.quiet()
	w.registry.WantHolder(t, "the older one's leaving does not unregister the newer", "rui@t.org/1", newer.session)
	newer.Leave()
	ana.Leave()
	e.wantNothingLeft()
}

func TestTheNewerReplacesTheOlderOnAnotherEdge(t *testing.T) { // L-SES-21
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana, older, other := a.Guest("ana@t.org/1"), a.Guest("rui@t.org/1"), a.Guest("rui@t.org/2")
	w.quiet()

	newer := b.Guest("Rui@t.org/1")
	older.WantEnd("the older one ends", lime.CodeSessionRegistrationError)
	other.WantAlive("another instance stays")
	w.quiet()
	ana.SayID("1", "rui@t.org/1", "hello")
	newer.Want("the newer one is delivered", "hello")
	older.WantNothing("the older one is not")
	ana.WantNothing("nobody claims that nobody is there")
	w.registry.WantHolder(t, "the newer one is registered", "rui@t.org/1", newer.session)
	if got := a.remote("rui@t.org"); len(got) != 1 || got["Rui@t.org/1"].Session != newer.session {
		t.Errorf("the older's edge sees %v", got)
	}
}

func TestASessionReplacedWhileItArrivesEndsToo(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	older, err := a.arrive("rui@t.org/1", true)
	if err != nil {
		t.Fatal(err)
	}
	newer := b.Guest("rui@t.org/1")
	older.WantEnd("it is told although it was never active", lime.CodeSessionRegistrationError)
	older.Activate()
	ana := b.Guest("ana@t.org/1")
	w.quiet()
	ana.Say("rui@t.org/1", "x")
	newer.Want("one session of the node gets it", "x")
	older.WantNothing("not two")
	newer.Leave()
	older.Leave()
	ana.Leave()
	a.wantNothingLeft()
}

func TestASessionThatNeverBeginsReplacesNobodyOnItsEdge(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	older := e.Guest("rui@t.org/1")
	newer, err := e.arrive("rui@t.org/1", true)
	if err != nil {
		t.Fatal(err)
	}
	w.registry.WantHolder(t, "it was registered", "rui@t.org/1", newer.session)
	newer.Leave()
	w.registry.WantHolder(t, "the older one is registered again", "rui@t.org/1", older.session)
	w.quiet()
	older.WantAlive("it goes on")
	older.Leave()
	e.wantNothingLeft()
}

func TestOfTwoThatOvertakeEachOtherTheNewerStays(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	first, err1 := e.arrive("rui@t.org/1", true)
	second, err2 := e.arrive("rui@t.org/1", true)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	second.Activate()
	first.Activate() // the registry holds the second
	first.WantEnd("it was replaced before it began", lime.CodeSessionRegistrationError)
	second.Say("rui@t.org/1", "x")
	second.Want("the newer one is there", "x")
	w.registry.WantHolder(t, "and registered", "rui@t.org/1", second.session)
	second.WantAlive("for good")
	first.Leave()
	second.Leave()
	e.wantNothingLeft()
}

func TestOfTwoThatArriveWhileRedisIsAwayOneStays(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	w.registry.SetAway(true)
	first, err1 := e.arrive("rui@t.org/1", true)
	second, err2 := e.arrive("rui@t.org/1", true)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	second.Activate()
	first.Activate()
	second.WantEnd("the last to begin takes the place", lime.CodeSessionRegistrationError)
	w.registry.SetAway(false)
	w.registry.WantHolder(t, "and is registered", "rui@t.org/1", first.session)
	w.quiet()
	first.WantAlive("for good")
	first.Leave()
	e.wantNothingLeft()
}

func TestTheOlderIsKeptWhenConfigured(t *testing.T) { // L-SES-22
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		here.SetBounds(Bounds{KeepOlder: true})
		there.SetBounds(Bounds{KeepOlder: true})
		ana, older := here.Guest("ana@t.org/1"), there.Guest("rui@t.org/1")
		_, err := here.arrive("Rui@t.org/1", true)
		w.wantReason("the newer is refused", err, lime.CodeSessionRegistrationError)
		w.quiet()
		older.WantAlive("the older one stays")
		ana.Say("rui@t.org/1", "x")
		older.Want("and is delivered", "x")

		older.Leave()
		w.registry.WantHolder(t, "it has left", "rui@t.org/1", "")
		newer := here.Guest("rui@t.org/1")
		newer.Leave()
		ana.Leave()
		here.wantNothingLeft()
		there.wantNothingLeft()
	})
}

func TestAStaleSessionLearnsThatItWasReplaced(t *testing.T) {
	w := newWorld(t)
	a := w.edge("a", Config{})
	stale := a.Guest("rui@t.org/1")
	// What became of the control message, nobody knows.
	newer := w.registry.hold(t, "rui@t.org/1", "elsewhere", "newer")

	stale.SetPresence(&available)
	stale.WantEnd("its node is somebody else's", lime.CodeSessionRegistrationError)
	w.quiet()
	w.registry.WantHolder(t, "who has it keeps it", "rui@t.org/1", newer.Session)
	stale.Leave()
	a.wantNothingLeft()
}

func TestAViewTellsAStaleSessionThatItWasReplaced(t *testing.T) {
	w := newWorld(t)
	a := w.edge("a", Config{})
	one, two, other := a.Guest("rui@t.org/1"), a.Guest("rui@t.org/2"), a.Guest("rui@t.org/3")
	w.quiet()

	reg := w.registry.hold(t, "Rui@t.org/1", "inc-x", "newer 1")
	w.tell(viewEvent{Version: a.version("rui@t.org") + 1, Registration: reg})
	one.WantEnd("an event of the view tells it", lime.CodeSessionRegistrationError)
	reg = w.registry.hold(t, "rui@t.org/2", "inc-x", "newer 2")
	w.tell(viewEvent{Doubt: true, Registration: reg})
	two.WantEnd("or the view itself", lime.CodeSessionRegistrationError)
	w.quiet()
	other.WantAlive("another instance stays")
	a.wantRemote("who has replaced them is seen", "rui@t.org", "Rui@t.org/1", "rui@t.org/2")
}

// What was done is done once more when no answer came, by the registrar or by the library behind its back. The second
// answer names nobody who was replaced.
func TestTheOlderLearnsThatItWasReplacedThoughNobodyHeardThatItWasDone(t *testing.T) {
	for name, how := range map[string]func(w *world){
		"by the registrar": func(w *world) {
			w.registry.SetDeaf(true)
			w.registry.On(func(call string, _ lime.Node) {
				if call == "register" && w.registry.Calls(call) > 2 {
					w.registry.SetDeaf(false)
				}
			})
		},
		"by the library": func(w *world) {
			w.registry.On(func(call string, n lime.Node) {
				if call == "register" {
					w.registry.On(nil)
					w.registry.hold(w, n.String(), "inc-a", "newer")
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.edge("a", Config{}), w.edge("b", Config{})
			older := b.Guest("rui@t.org/1")
			w.quiet()
			how(w)
			newer := &client{e: a, node: "rui@t.org/1", session: "newer"}
			var err error
			newer.Member, err = a.Attach(t.Context(), Arrival{Node: lime.MustParseNode(newer.node), Session: newer.session, Guest: true}, newer)
			if err != nil {
				t.Fatal(err)
			}
			newer.Activate()
			older.WantEnd("its node is somebody else's", lime.CodeSessionRegistrationError)
			w.quiet()
			newer.WantAlive("who has it keeps it")
			w.registry.WantHolder(t, "likewise", "rui@t.org/1", newer.session)
		})
	}
}

func TestAViewTellsASessionThatArrivesThatItWasReplaced(t *testing.T) {
	w := newWorld(t)
	a := w.edge("a", Config{})
	one, err1 := a.arrive("rui@t.org/1", true)
	two, err2 := a.arrive("rui@t.org/2", true)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	reg := w.registry.hold(t, "rui@t.org/1", "inc-x", "newer 1")
	w.tell(viewEvent{Version: a.version("rui@t.org") + 1, Registration: reg})
	one.WantEnd("an event of the view tells it", lime.CodeSessionRegistrationError)
	reg = w.registry.hold(t, "rui@t.org/2", "inc-x", "newer 2")
	w.tell(viewEvent{Doubt: true, Registration: reg})
	two.WantEnd("or the view itself", lime.CodeSessionRegistrationError)
	one.Activate()
	two.Activate()
	a.wantNothingLeft()
}

func TestOfManyThatWantOneNodeOneIsLeft(t *testing.T) {
	w := newWorld(t)
	edges := []*testEdge{w.edge("a", Config{}), w.edge("b", Config{}), w.edge("c", Config{})}
	var all sync.WaitGroup
	var clients [30]*client
	for i := range clients {
		e := edges[i%len(edges)]
		c := &client{e: e, node: "rui@t.org/1", session: fmt.Sprint(i)}
		clients[i] = c
		all.Go(func() {
			var err error
			c.Member, err = e.Attach(context.Background(), Arrival{Node: lime.MustParseNode(c.node), Session: c.session, Guest: true}, c)
			if err != nil {
				t.Errorf("%d: %v", i, err)
				return
			}
			c.Activate()
		})
	}
	all.Wait()
	w.quiet()
	var alive []string
	for _, c := range clients {
		if c.Ended() == nil {
			alive = append(alive, c.session)
		}
	}
	if len(alive) != 1 || w.registry.Holder("rui@t.org/1") != alive[0] {
		t.Fatalf("alive are %q, registered is %q; want one, the same", alive, w.registry.Holder("rui@t.org/1"))
	}
	for _, c := range clients {
		c.Leave()
	}
	for _, e := range edges {
		e.wantNothingLeft()
	}
}
