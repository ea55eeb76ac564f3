package routing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/routing/stream"
)

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

func TestIDsAreThoseOfInWhoseNameAMessageIs(t *testing.T) { // L-MSG-12
	w := newStoredWorld(t)
	gateway, lia := w.edge("a").Login("gw@t.org/1", available), w.edge("b").Login("lia@t.org/1", available)
	say := func(from, text string) {
		t.Helper()
		gateway.mustRoute("lia@t.org", fmt.Sprintf(
			`{"id":"1",%s"to":"lia@t.org","type":"text/plain","content":%q}`, from, text))
	}
	say(`"from":"ana@t.org","pp":"gw@t.org/1",`, "of Ana")
	say(`"from":"ANA@t.org/2","pp":"gw@t.org/1",`, "of Ana, again")
	say(`"from":"rui@t.org","pp":"gw@t.org/1",`, "of Rui")
	say(`"from":"gw@else.org","pp":"gw@t.org/1",`, "of the gateway's namesake")
	say(``, "its own")
	say(`"from":"gw@t.org/1",`, "its own, again")
	lia.Want("each sender's id is another message", "of Ana", "of Rui", "of the gateway's namesake", "its own")
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

	if want := map[string]string{".rui._": "", ".ana.1": "300", ".ana._": ""}; !maps.Equal(w.lifetimes(stream.LifetimeHeader), want) {
		t.Errorf("the lifetimes are %v, want %v", w.lifetimes(stream.LifetimeHeader), want)
	}
}

// What a guest sends says that news of it wait for minutes only.
func TestNewsForAGuestWaitForMinutes(t *testing.T) {
	w := newStoredWorld(t)
	a := w.edge("a")
	guest, rui := a.login("lia@t.org/1", true), a.Login("rui@t.org/1", available)
	guest.SayID("m1", "rui@t.org/1", "one")
	rui.Want("it is there", "one")
	rui.SayID("m2", "ana@t.org", "two")
	eventually(t, "both are stored", func() bool { return a.count("limegrove_routing_stored_total") == 2 })
	want := map[string]string{".rui.1": "300", ".ana._": ""}
	if got := w.lifetimes(stream.NewsLifetimeHeader); !maps.Equal(got, want) {
		t.Errorf("the lifetimes of news are %v, want %v", got, want)
	}
}

// lifetimes are what a header says of what is in the log, by address.
func (w *storedWorld) lifetimes(header string) map[string]string {
	w.Helper()
	all := map[string]string{}
	for p := range w.streams.Partitions() {
		passed, err := w.streams.WalkLog(w.Context(), p, 0, time.Now().Add(time.Hour), 100)
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range passed.Entries {
			_, to, _ := strings.Cut(e.Subject, "@")
			all[to] = e.Header.Get(header)
		}
	}
	return all
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

func TestIDsAreComparedByTheLetter(t *testing.T) { // L-ENV-14
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	for _, id := range []string{"m", "M", " m", "ｍ", "00000000-0000-0000-0000-000000000000", "é ☕ {}"} {
		ana.SayID(id, "rui@t.org", "the message "+id)
		rui.Want("no other has this id", "the message "+id)
		rui.Receipt(id, "ana@t.org/1", "received")
		ana.Want("its sender is told of it by its id", strings.TrimSpace(id+" accepted"), strings.TrimSpace(id+" dispatched"), strings.TrimSpace(id+" received"))
	}
}

// lime-go hears nothing more after an event that is not among LIME's five.
func TestOtherEventsGoToWhoNamesThem(t *testing.T) { // L-NOT-10
	w := newStoredWorld(t)
	a := w.edge("a")
	ana, rui, lia := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available), a.Login("lia@t.org/1", available)
	lia.SetReceipts(lime.EventsOf(lime.EventDeleted, lime.EventValidated, lime.EventAuthorized))
	for _, event := range []string{"deleted", "validated", "authorized"} {
		for _, sender := range []*client{ana, lia} {
			rui.Receipt("m1", sender.node, event)
		}
		lia.Want("it has named it", "m1 "+event)
	}
	rui.Receipt("m1", ana.node, "consumed")
	ana.Want("who has not named them hears none of them", "m1 consumed")

	lia.Leave()
	for _, event := range []string{"deleted", "consumed"} {
		rui.Receipt("m2", "lia@t.org/1", event)
	}
	back := a.Login("lia@t.org/1", available)
	back.Want("who comes back has not named it", "m2 consumed")
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
	ana.sendingLocked().storing = append(ana.sendingLocked().storing, o) // its acknowledgement is late
	ana.hub.shard.mu.Unlock()

	rui.Receipt("m1", "ana@t.org/1", "received")
	stored := `{"id":"m1","from":"rui@t.org/1","to":"ana@t.org/1","event":"consumed"}`
	if err := b.nc.Publish(key.Log(ana.partition(), "1"), []byte(stored)); err != nil {
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
	ana.sendingLocked().storing = append(ana.sendingLocked().storing, o)
	ana.hub.shard.mu.Unlock()
	ana.stored(o, brokerReason())
	ana.Flush()
	ana.Want("it is given up", "m1 failed 51")
	rui.Receipt("m1", "ana@t.org/1", "received")
	ana.WantNothing("though it was stored")
	ana.SayID("m1", "rui@t.org", "again")
	rui.Want("sent again", "again")
	rui.Receipt("m1", "ana@t.org/1", "received")
	ana.WantSorted("it is told of", "m1 accepted", "m1 dispatched", "m1 received")
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
		return ana.owes() && len(ana.underWayLocked().owed) >= 3 // and what else is told
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

// A session of a channel has another instance each time it comes, and hears what it was told
// while it was away.
func TestANotificationForAChannelWaitsForWhoeverComes(t *testing.T) {
	w := newStoredWorld(t)
	cfg := Config{Streams: w.streams, Directory: w.known, StoreTimeout: patience, Channels: "example.org"}
	a, b := w.world.edge("a", cfg), w.world.edge("b", cfg)
	ana, rui := a.Login("ana@t.org/1", available), a.Login("rui@example.org/1", available)
	rui.SayID("m", "ana@t.org", "x")
	ana.Want("it comes", "x")
	rui.Want("it is stored, and dispatched", "m accepted", "m dispatched")
	rui.Leave()
	w.registry.WantHolder(t, "it is gone", rui.node, "")
	ana.mustRoute("rui@example.org/1", `{"id":"m","from":"ana@t.org/1","to":"rui@example.org/1","event":"received"}`)
	b.Login("rui@example.org/2", available).Want("the next session hears of it", "m received")
}

// What a session sends to its own identity, and wants to see, comes back after its accepted.
func TestAcceptedComesBeforeOnesOwnCopy(t *testing.T) { // B-25
	w := newStoredWorld(t)
	echoing := available
	echoing.Echo = true
	ana := w.edge("a").Login("ana@t.org/1", echoing)
	var want []string
	for i := range 50 {
		ana.SayID(fmt.Sprint("m", i), "ana@t.org", fmt.Sprint("x", i))
		want = append(want, fmt.Sprintf("m%d accepted", i), fmt.Sprint("x", i))
	}
	eventually(t, "all are accepted and come", func() bool {
		n := 0
		for _, got := range ana.Got() {
			if slices.Contains(want, got) {
				n++
			}
		}
		return n == len(want)
	})
	got := ana.Got()
	for i := range 50 {
		if slices.Index(got, want[2*i]) > slices.Index(got, want[2*i+1]) {
			t.Errorf("%s comes before %s", want[2*i+1], want[2*i])
		}
	}
}
