package routing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
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
	if n := e.nc.NumSubscriptions(); n != 1 {
		e.w.Errorf("%s has %d subscriptions, want the one for control messages", e.name, n)
	}
	if n := e.count("limegrove_routing_hubs"); n != 0 {
		e.w.Errorf("%s counts %v hubs", e.name, n)
	}
	for _, s := range e.shards {
		s.mu.Lock()
		for key := range s.hubs {
			e.w.Errorf("%s still has a hub for %s", e.name, key)
		}
		s.mu.Unlock()
	}
	for node, reg := range e.w.registry.Registered() {
		if reg.Edge == e.cfg.Edge {
			e.w.Errorf("%s is still registered on %s for %s", node, e.name, reg.Session)
		}
	}
}

func TestAnIdentityHasOneSubscriptionPerEdge(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	var all []*client
	for i := range 5 {
		all = append(all, e.Guest(fmt.Sprintf("rui@t.org/%d", i)))
	}
	all = append(all, e.Guest("RUI@T.ORG/5"))
	if n := e.nc.NumSubscriptions(); n != 2 {
		t.Errorf("six sessions of one identity have %d subscriptions, want one beside the edge's own", n)
	}
	e.Guest("ana@t.org/1").Leave()
	for i, c := range all {
		if n := e.nc.NumSubscriptions(); n != 2 {
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
		here.cfg.KeepOlder, there.cfg.KeepOlder = true, true
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

func TestAnIdentityHasOnlySoManySessions(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		here.cfg.MaxPerIdentity, there.cfg.MaxPerIdentity = 2, 2
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
	w.quiet()
	if e.registrar.away.Load() {
		t.Error("the edge still believes that Redis is away")
	}
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
