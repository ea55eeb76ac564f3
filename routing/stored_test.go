package routing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/sweep"
)

// storedWorld is a world whose edges store.
type storedWorld struct {
	*world
	streams *stream.Streams
	known   *directory
}

func newStoredWorld(t testing.TB) *storedWorld {
	t.Helper()
	w := &world{TB: t, connect: natstest.New(t).Connect, registry: newRegistry()}
	return &storedWorld{world: w, streams: openStreams(w, stream.Config{Partitions: 2}), known: &directory{}}
}

func openStreams(w *world, cfg stream.Config) *stream.Streams {
	w.Helper()
	cfg.NATS = w.connect()
	s, err := stream.Open(w.Context(), cfg)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(s.Close)
	return s
}

func (w *storedWorld) edge(name string) *testEdge {
	w.Helper()
	return w.world.edge(name, Config{Streams: w.streams, Directory: w.known, StoreTimeout: patience})
}

// sweeper is a router's sweep that passes everything that is older than nothing.
func (w *storedWorld) sweeper(name string) *sweep.Sweeper {
	return sweep.New(sweep.Config{
		Streams: w.streams, Registry: holder{w.registry}, Router: "inc-router", ID: name,
		Delay: time.Nanosecond, Every: 10 * time.Millisecond, Wary: time.Nanosecond, Logger: testLogger(w),
	})
}

// sweep lets a router sweep until what is not acknowledged is in the inboxes.
func (w *storedWorld) sweep() {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.sweeper("router").Run(ctx)
	}()
	eventually(w, "the log is swept and purged", func() bool {
		for p := range w.streams.Partitions() {
			passed, err := w.streams.WalkLog(w.Context(), p, 0, time.Now(), 1)
			if err != nil || len(passed.Entries) > 0 {
				return false
			}
		}
		return true
	})
	cancel()
	<-ended
}

func testLogger(t testing.TB) *logrus.Logger {
	l := logrus.New()
	l.SetOutput(t.Output())
	return l
}

// holder gives every lease to whoever asks.
type holder struct{ *registry }

// directory knows everybody but those that it is told not to know.
type directory struct{ strangers, guests []string }

func (d *directory) HasAccount(_ context.Context, i lime.Identity) (bool, error) {
	return !slices.Contains(d.strangers, i.String()) && !slices.Contains(d.guests, i.String()), nil
}

func (d *directory) Instances(_ context.Context, i lime.Identity) ([]string, error) {
	if slices.Contains(d.guests, i.String()) {
		return []string{"1"}, nil
	}
	return nil, nil
}

func TestStoredMessageIsAcceptedDeliveredAndDispatched(t *testing.T) { // L-NOT-03
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)

	ana.SayID("m1", "rui@t.org", "hello")
	rui.Want("the recipient has it", "hello")
	ana.Want("the sender hears of both, in order", "m1 accepted", "m1 dispatched")

	ana.SayID("m2", "rui@t.org/1", "to the node")
	rui.Want("the recipient has it", "to the node")
	ana.Want("the sender hears of both, in order", "m2 accepted", "m2 dispatched")
}

func TestReceiptsAcknowledge(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Silent(true) // no proof but its receipts

	ana.SayID("m1", "rui@t.org", "one")
	ana.SayID("m2", "rui@t.org", "two")
	rui.Want("the recipient has both", "one", "two")
	ana.Want("nothing proves that", "m1 accepted", "m2 accepted")
	rui.Receipt("m2", "ana@t.org/1", "received")
	ana.Want("a receipt is one of what came before, too", "m1 dispatched", "m2 dispatched", "m2 received")
	rui.Receipt("m2", "ana@t.org/1", "consumed")
	ana.Want("a second receipt is only passed on", "m2 consumed")

	rui.mu.Lock()
	probes := len(rui.probes)
	rui.mu.Unlock()
	if probes != 1 {
		t.Errorf("a client that sends receipts was probed %d times, want once before it did", probes)
	}
}

// Receipt sends a notification about a message.
func (c *client) Receipt(id, to, event string) {
	c.e.w.Helper()
	c.mustRoute(to, fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"event":%q}`, id, c.node, to, event))
}

func TestReceiptToItselfFindsItsSender(t *testing.T) { // L-NOT-08
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Silent(true)
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("it is there", "one")
	ana.Want("it is accepted", "m1 accepted")

	envelope := []byte(`{"id":"m1","from":"rui@t.org/1","to":"rui@t.org","event":"received"}`)
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		t.Fatal(err)
	}
	if !rui.Member.Receipt(&h, envelope) {
		t.Error("its message was not found")
	}
	ana.Want("it goes to the sender", "m1 dispatched", "m1 received")
	if rui.Member.Receipt(&h, envelope) {
		t.Error("it was found a second time")
	}
}

func TestWhatIsSentToSomebodyAwayWaits(t *testing.T) { // L-MSG-07
	for _, swept := range []bool{false, true} {
		t.Run(fmt.Sprintf("swept %v", swept), func(t *testing.T) {
			w := newStoredWorld(t)
			a, b := w.edge("a"), w.edge("b")
			ana := a.Login("ana@t.org/1", available)
			var want []string
			for i := range 20 {
				ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
				want = append(want, fmt.Sprint("x", i))
			}
			ana.SayID("n", "rui@t.org/1", "for one")
			ana.SayID("o", "rui@t.org/2", "for another")
			eventually(t, "all are accepted", func() bool { return len(ana.Got()) == 22 })
			if swept {
				w.sweep()
			}
			rui := b.login("rui@t.org/1", false)
			rui.Want("before its presence it gets what is for its node alone", "for one")
			rui.SetPresence(&available)
			rui.Want("and then what is for its identity, in order", want...)
			w.noneLeft(rui)
			if rui.Leave(); !swept {
				w.sweep()
			}
			again := a.Login("rui@t.org/1", available)
			again.WantNothing("what was acknowledged does not come again")
			a.Login("rui@t.org/2").Want("what is for another instance waits for it", "for another")
		})
	}
}

// noneLeft waits until everything that c has was acknowledged, and the registry and
// the inbox know.
func (w *storedWorld) noneLeft(c *client) {
	w.Helper()
	eventually(w, c.node+" has acknowledged everything", func() bool {
		s := c.hub.shard
		s.mu.Lock()
		defer s.mu.Unlock()
		return c.window.Len() == 0
	})
	done := make(chan struct{})
	c.e.floors.settle(func() { close(done) })
	w.wait("the registry knows the floors", done)
	eventually(w, "the inbox is cleared", func() bool { return c.e.removals.waiting() == 0 })
}

func TestAWindowStopsASlowClientAndLosesNothing(t *testing.T) { // L-TRN-11
	for _, swept := range []bool{false, true} {
		t.Run(fmt.Sprintf("swept %v", swept), func(t *testing.T) {
			w := newStoredWorld(t)
			a, b := w.edge("a"), w.edge("b")
			ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
			rui.Silent(true)
			const n = 3 * maxWindow
			var want []string
			for i := range n {
				ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
				want = append(want, fmt.Sprint("x", i))
			}
			eventually(t, "all are accepted", func() bool { return len(ana.Got()) == n })
			if swept {
				w.sweep()
			}
			eventually(t, "a window is full", func() bool { return len(rui.Got()) >= maxWindow })
			w.settle()
			if got := len(rui.Got()); got != maxWindow {
				t.Errorf("a client that proves nothing was given %d, want %d", got, maxWindow)
			}
			rui.Silent(false)
			rui.Want("when it does it gets all, in order", want...)
			w.noneLeft(rui)
		})
	}
}

func TestAFullQueueLosesNothing(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Refuse(ErrQueueFull)
	ana.SayID("m1", "rui@t.org", "one")
	ana.SayID("m2", "rui@t.org", "two")
	ana.Want("both are accepted", "m1 accepted", "m2 accepted")
	rui.WantNothing("there is no room")
	rui.Refuse(nil)
	rui.Drained()
	rui.Want("when there is, both come", "one", "two")
	ana.Want("and the sender hears of it", "m1 dispatched", "m2 dispatched")
}

func TestALostCopyIsReadBack(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("the first comes", "one")

	// The copy of the second is lost on its way: its hub's subscription is not there.
	hub := b.hub("rui@t.org")
	hub.shard.mu.Lock()
	sub := hub.sub
	hub.sub = nil
	hub.shard.mu.Unlock()
	ana.SayID("m2", "rui@t.org", "two")
	eventually(t, "it is accepted", func() bool { return slices.Contains(ana.Got(), "m2 accepted") })
	w.settle()
	hub.shard.mu.Lock()
	hub.sub = sub
	hub.shard.mu.Unlock()
	rui.WantNothing("it is lost")

	ana.SayID("m3", "rui@t.org", "three")
	rui.Want("the third shows it", "two", "three")
	if got := b.count("limegrove_routing_gaps_total"); got != 1 {
		t.Errorf("%v gaps, want 1", got)
	}
}

func TestASecondSendingIsOneMessage(t *testing.T) { // L-MSG-12
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	for range 2 {
		ana.SayID("m1", "rui@t.org", "hello")
	}
	rui.Want("it comes once", "hello")
	eventually(t, "and is accepted twice", func() bool {
		return strings.Count(strings.Join(ana.Got(), "\n"), "m1 accepted") == 2
	})
	ana.Leave()
	ana = b.Login("ana@t.org/2", available)
	ana.SayID("m1", "rui@t.org", "hello")
	ana.Want("from another session of the sender, too", "m1 accepted")
	ana.SayID("m1", "rui@t.org/1", "hello")
	rui.Want("another address is another message", "hello")
}

func TestWhoIsNotKnownGetsNothingStored(t *testing.T) { // L-MSG-08, L-MSG-10
	w := newStoredWorld(t)
	w.known.strangers, w.known.guests = []string{"eve@t.org"}, []string{"guest@t.org"}
	a := w.edge("a")
	ana := a.Login("ana@t.org/1", available)
	ana.SayID("m1", "eve@t.org", "x")
	ana.SayID("m2", "eve@t.org/1", "x")
	ana.WantSorted("nobody has heard of her", "m1 failed 33", "m2 failed 33")
	ana.SayID("m3", "guest@t.org/2", "x")
	ana.Want("the guest was never there", "m3 failed 42")
	ana.SayID("m4", "guest@t.org/1", "x")
	ana.SayID("m5", "guest@t.org", "x")
	ana.WantSorted("but here it was", "m4 accepted", "m5 accepted")
	ana.Say("eve@t.org", "x")
	ana.WantNothing("without an id nothing is answered") // L-MSG-09

	w.known.strangers = append(w.known.strangers, "lia@t.org")
	lia := w.edge("b").Guest("lia@t.org/1")
	ana.SayID("m6", "lia@t.org/1", "x")
	ana.SayID("m7", "lia@t.org/2", "x")
	lia.Want("who is in session is known, whatever Redis says", "x")
	ana.WantSorted("at that node", "m6 accepted", "m6 dispatched", "m7 failed 42")
}

func TestAFullInboxRefuses(t *testing.T) {
	w := newStoredWorld(t)
	w.streams = openStreams(w.world, stream.Config{Partitions: 2, InboxLimit: stream.DefaultInboxLimit})
	a := w.world.edge("a", Config{Streams: small{w.streams}, StoreTimeout: patience})
	ana := a.Login("ana@t.org/1", available)
	for i := range 3 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
	}
	ana.Want("there is room", "m0 accepted", "m1 accepted", "m2 accepted")
	w.sweep()
	b := w.world.edge("b", Config{Streams: small{w.streams}, StoreTimeout: patience})
	lia := b.Login("lia@t.org/1", available)
	lia.SayID("m3", "rui@t.org", "x")
	lia.Want("there is none", "m3 failed 34")
	b.WantDropped("it is counted", dropInboxFull, 1)
	b.Login("rui@t.org/1", available).Want("what was accepted is there", "x0", "x1", "x2")
}

// small has room for three messages in an inbox.
type small struct{ *stream.Streams }

func (small) InboxLimit() int { return 3 }

func TestOverloadIsMadeGood(t *testing.T) {
	w := newStoredWorld(t)
	a := w.edge("a")
	b := w.world.edge("b", Config{Streams: w.streams, Directory: w.known, Backlog: 1, Shards: 1})
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	w.quiet()
	s := b.shards[0]
	s.mu.Lock() // the dispatcher has to wait
	var want []string
	for i := range 50 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
		want = append(want, fmt.Sprint("x", i))
	}
	eventually(t, "all are accepted", func() bool { return len(ana.Got()) == 50 })
	w.flush(b.nc)
	s.mu.Unlock()
	rui.Want("what the edge had no room for is read back", want...)
	if b.count("limegrove_routing_dropped_total", string(dropOverload)) == 0 {
		t.Error("nothing was dropped")
	}
}

func TestReceiptsForSomebodyAwayAreStored(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Silent(true)
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("it is there", "one")
	ana.Want("it is accepted", "m1 accepted")
	ana.Leave()
	w.quiet()
	rui.Receipt("m1", "ana@t.org/1", "received")
	eventually(t, "both are stored", func() bool { return b.count("limegrove_routing_stored_total") == 2 })
	a.Login("ana@t.org/1", available).Want("who comes back gets them", "m1 dispatched", "m1 received")
}

// What is for a node that never comes back must not fill an inbox for days.
func TestReceiptsForANodeWaitForMinutes(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("it is there", "one")
	ana.Want("it is accepted and there", "m1 accepted", "m1 dispatched")
	ana.Leave()
	w.quiet()
	rui.Receipt("m1", "ana@t.org/1", "received")
	rui.Receipt("m1", "ana@t.org", "consumed")
	eventually(t, "both are stored", func() bool { return b.count("limegrove_routing_stored_total") == 2 })

	lifetimes := map[string]string{}
	for p := range w.streams.Partitions() {
		passed, err := w.streams.WalkLog(t.Context(), p, 0, time.Now().Add(time.Hour), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range passed.Entries {
			_, to, _ := strings.Cut(e.Subject, "@")
			lifetimes[to] = e.Header.Get(stream.LifetimeHeader)
		}
	}
	if want := map[string]string{".rui._": "", ".ana.1": "300", ".ana._": ""}; !maps.Equal(lifetimes, want) {
		t.Errorf("the lifetimes are %v, want %v", lifetimes, want)
	}
}

func TestReceiptsAreNarrowed(t *testing.T) { // L-RES-09, L-NOT-02
	w := newStoredWorld(t)
	a := w.edge("a")
	ana, rui := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available)
	ana.SetReceipts(lime.EventsOf(lime.EventReceived))
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("it is there", "one")
	rui.Receipt("m1", "ana@t.org/1", "received")
	rui.Receipt("m1", "ana@t.org/1", "consumed")
	ana.Want("only what it wants to hear", "m1 received")
	w.known.strangers = []string{"eve@t.org"}
	ana.SayID("m2", "eve@t.org", "x")
	ana.Want("and what has failed", "m2 failed 33")
}

func TestSeveralSessionsOfAnIdentity(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana := a.Login("ana@t.org/1", available)
	one, two := a.Login("rui@t.org/1", available), b.Login("rui@t.org/2", available)
	only := b.Login("rui@t.org/3", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance})
	two.Silent(true)
	ana.SayID("m1", "rui@t.org", "one")
	one.Want("each gets it", "one")
	two.Want("each gets it", "one")
	only.WantNothing("but who wants only what is for its node")
	w.noneLeft(one)
	two.Leave()
	b.Login("rui@t.org/4", available).WantNothing("one of them has acknowledged it for all")
	one.SayID("m2", "rui@t.org", "to myself")
	one.Want("who has sent it gets only word of it", "m2 accepted", "m2 dispatched")
}

func TestTheNewerSessionTakesOver(t *testing.T) { // L-SES-21
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprintf("on the same edge %v", same), func(t *testing.T) {
			w := newStoredWorld(t)
			a, b := w.edge("a"), w.edge("b")
			ana, older := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
			ana.SayID("m1", "rui@t.org", "acknowledged")
			older.Want("it has one", "acknowledged")
			eventually(t, "it has acknowledged it", func() bool { return slices.Contains(ana.Got(), "m1 dispatched") })
			older.Silent(true)
			ana.SayID("m2", "rui@t.org", "not acknowledged")
			older.Want("it has another", "not acknowledged")
			on := a
			if same {
				on = b
			}
			newer := on.Login("rui@t.org/1", available)
			older.WantEnd("it was replaced", lime.CodeSessionRegistrationError)
			newer.Want("what was not acknowledged comes again, and nothing else", "not acknowledged")
		})
	}
}

func TestSettlingHandsOutNothingMore(t *testing.T) { // L-FIN-05
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Silent(true)
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("it is there", "one")
	settled := make(chan struct{})
	rui.Settle(func() { close(settled) })
	ana.SayID("m2", "rui@t.org", "two")
	ana.Want("both are accepted", "m1 accepted", "m2 accepted")
	rui.WantNothing("nothing more is handed out")
	select {
	case <-settled:
		t.Fatal("it is settled with a message unacknowledged")
	default:
	}
	rui.Silent(false)
	w.wait("it is settled", settled)
	rui.Leave()
	b.Login("rui@t.org/1", available).Want("the rest waits for the next session", "two")
}

func TestMuchUnderWayHoldsTheSender(t *testing.T) {
	w := newStoredWorld(t)
	a := w.idleEdge("a", Config{Streams: w.streams, Directory: w.known}) // nothing is published
	a.run()
	ana := a.Login("ana@t.org/1", available)
	a.stop()
	for i := range holdAt + 1 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", "x")
	}
	if ana.holds != 1 || ana.reads {
		t.Errorf("the client is held %d times, read from %v", ana.holds, ana.reads)
	}
}

// A sender hears accepted first, whichever way the others come: at once, or stored
// because it was not there to take them.
func TestAcceptedComesFirst(t *testing.T) { // L-NOT-03
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	key := ana.hub.key
	o := &outgoing{id: []byte("m1"), member: ana.Member}
	ana.hub.shard.mu.Lock()
	ana.storing = append(ana.storing, o) // its acknowledgement is late
	ana.hub.shard.mu.Unlock()

	rui.Receipt("m1", "ana@t.org/1", "received")
	stored := `{"id":"m1","from":"rui@t.org/1","to":"ana@t.org/1","event":"consumed"}`
	if err := b.nc.Publish(key.Log(ana.partition, "1"), []byte(stored)); err != nil {
		t.Fatal(err)
	}
	rui.SayID("n", "ana@t.org", "something else")
	ana.Want("nothing is told of it before, and other things come", "something else")

	if !ana.stored(o, nil) {
		t.Fatal("there is nothing to tell")
	}
	ana.Flush()
	ana.Want("then all is told, in order", "m1 accepted", "m1 received", "m1 consumed")
}

func TestNothingFollowsFailed(t *testing.T) { // L-NOT-04
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	o := &outgoing{id: []byte("m1"), member: ana.Member}
	ana.hub.shard.mu.Lock()
	ana.storing = append(ana.storing, o)
	ana.hub.shard.mu.Unlock()
	ana.stored(o, brokerReason())
	ana.Flush()
	ana.Want("it is given up", "m1 failed 51")
	rui.Receipt("m1", "ana@t.org/1", "received")
	ana.WantNothing("though it was stored")
	ana.SayID("m1", "rui@t.org", "again")
	rui.Want("sent again", "again")
	rui.Receipt("m1", "ana@t.org/1", "received")
	ana.Want("it is told of", "m1 accepted", "m1 dispatched", "m1 received")
}

func TestWhatASenderIsToldWaitsForRoom(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	ana.Refuse(ErrQueueFull)
	for i := range 3 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
	}
	rui.Want("the messages go out", "x0", "x1", "x2")
	eventually(t, "all are accepted", func() bool {
		ana.hub.shard.mu.Lock()
		defer ana.hub.shard.mu.Unlock()
		return len(ana.owed) == 3
	})
	ana.Refuse(nil)
	ana.Drained()
	eventually(t, "all is told", func() bool { return len(ana.Got()) == 6 })
	for i := range 3 {
		got := ana.Got()
		accepted, dispatched := slices.Index(got, fmt.Sprintf("m%d accepted", i)), slices.Index(got, fmt.Sprintf("m%d dispatched", i))
		if accepted < 0 || dispatched < accepted {
			t.Errorf("it is told %q", got)
		}
	}
}

func TestFloorsAreToldAgainWhenRedisHasLostThem(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	lia := b.Login("lia@t.org/1", available)
	ana.SayID("m1", "rui@t.org", "one")
	ana.SayID("m2", "lia@t.org", "one")
	rui.Want("it is there", "one")
	lia.Want("it is there", "one")
	w.noneLeft(rui)
	w.noneLeft(lia)
	rui.Leave() // the other one stays
	w.registry.mu.Lock()
	clear(w.registry.floors)
	w.registry.mu.Unlock()
	b.RegisterAll()
	w.noneLeft(lia)
	w.sweep()
	a.Login("rui@t.org/1", available).WantNothing("what was acknowledged does not come again")
	a.Login("lia@t.org/2", available).WantNothing("what was acknowledged does not come again")
}

// What a session does not want to hear of must not speak for the messages before it.
func TestUnwantedNotificationsAcknowledgeNothingElse(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana := a.Login("ana@t.org/1", available)
	rui := b.Login("rui@t.org/1", available)
	rui.SetReceipts(lime.EventsOf())
	rui.Silent(true)
	ana.SayID("m1", "rui@t.org/1", "one")
	rui.Want("it is there", "one")
	unwanted := `{"id":"x","from":"ana@t.org/1","to":"rui@t.org/1","event":"received"}`
	if err := a.nc.Publish(rui.hub.key.Log(rui.partition, "1"), []byte(unwanted)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is handed out", func() bool {
		rui.hub.shard.mu.Lock()
		defer rui.hub.shard.mu.Unlock()
		return rui.window.Len() == 2
	})
	rui.Leave()
	w.sweep()
	b.Login("rui@t.org/1", available).Want("the message comes again", "one", "x received")
}
