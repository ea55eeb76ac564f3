package fanout

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

const ops, ana = "ops@groups.x", "ana@x/home"

// from is where what Ana sends to ops comes from.
const from = "ops@groups.x/ana%40x"

func TestEachMemberGetsEachMessageInOrder(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "ana@x", "Rui@x", "lia@x/phone", "-eva@x")
	for i := range 5 {
		w.store.add(ops, ana, fmt.Sprint(i))
	}
	w.start("r", nil)
	w.done()
	for to, address := range map[string]string{"rui@x": "Rui@x", "lia@x/phone": "lia@x/phone", "eva@x": "eva@x"} {
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprintf("%d %s %s", i, from, address))
		}
		w.want("all five", to, want...)
	}
	w.want("its own", "ana@x")
	w.store.add(ops, ana, "echo", stream.EchoHeader)
	w.done()
	w.want("with echo", "ana@x", "echo "+from+" ana@x")
	w.store.add(ops, "rui@x/1", "r")
	w.done()
	w.want("what another sends", "ana@x", "echo "+from+" ana@x", "r ops@groups.x/rui%40x ana@x")
}

// TestFiveThousandMembers is the size that is promised.
func TestFiveThousandMembers(t *testing.T) {
	const many, messages = 5000, 3
	w := newWorld(t)
	var all []string
	for i := range many {
		all = append(all, fmt.Sprintf("m%d@x", i))
	}
	w.people.set(ops, all...)
	for i := range messages {
		w.store.add(ops, ana, fmt.Sprint(i))
	}
	w.start("r", nil)
	w.done()
	for _, i := range []int{0, 17, many - 1} {
		who := fmt.Sprintf("m%d@x", i)
		w.want("one of many", who, "0 "+from+" "+who, "1 "+from+" "+who, "2 "+from+" "+who)
	}
	if len(w.store.log) != many*messages || w.store.again != 0 || w.people.asked != 1 {
		t.Errorf("%d copies and %d again, the members read %d times", len(w.store.log), w.store.again, w.people.asked)
	}
}

func TestMembersAreThoseOfTheMoment(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.start("r", nil)
	for i, members := range [][]string{{"rui@x"}, {"rui@x", "lia@x"}, {"lia@x"}, {"lia@x"}} {
		w.people.set(ops, members...)
		w.store.add(ops, ana, fmt.Sprint(i))
		w.done()
	}
	w.want("who has left", "rui@x", "0 "+from+" rui@x", "1 "+from+" rui@x")
	w.want("who came later", "lia@x", "1 "+from+" lia@x", "2 "+from+" lia@x", "3 "+from+" lia@x")
}

// TestRouterThatDiesInTheMiddle: another takes over, and nobody gets anything twice, or
// out of order.
func TestRouterThatDiesInTheMiddle(t *testing.T) {
	const many = 100
	w := newWorld(t)
	var all []string
	for i := range many {
		all = append(all, fmt.Sprintf("m%d@x", i))
	}
	w.people.set(ops, all...)
	for i := range 3 {
		w.store.add(ops, ana, fmt.Sprint(i))
	}
	var stored atomic.Int64
	half := make(chan struct{})
	dead := make(chan struct{})
	w.store.refusing(func(*nats.Msg) error {
		if n := stored.Add(1); n == many+many/2 { // in the second message
			close(half)
			<-dead
			return stream.ErrUnavailable
		} else if n > many+many/2 {
			<-dead
			return stream.ErrUnavailable
		}
		return nil
	})
	first := w.start("first", short)
	<-half
	w.leases.set(func(l *leases) { l.holder = "second" }) // the first is not heard of
	w.store.refusing(nil)
	second := w.start("second", short)
	w.done()
	close(dead)
	first.stop()
	second.stop()
	for _, who := range []string{"m0@x", "m99@x"} {
		w.want("one of them", who, "0 "+from+" "+who, "1 "+from+" "+who, "2 "+from+" "+who)
	}
	if len(w.store.log) != 3*many || w.store.again == 0 {
		t.Errorf("%d copies, want %d; %d were stored again", len(w.store.log), 3*many, w.store.again)
	}
}

// TestRouterThatStoodStill: one that wakes up behind its lease stores nothing more.
func TestRouterThatStoodStill(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.store.add(ops, ana, "0")
	asleep, awake := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.store.refusing(func(*nats.Msg) error {
		once.Do(func() { close(asleep) })
		<-awake
		return stream.ErrUnavailable
	})
	first := w.start("first", short)
	<-asleep
	w.leases.set(func(l *leases) { l.holder = "second" })
	w.store.refusing(nil)
	second := w.start("second", short)
	w.done()
	time.Sleep(300 * time.Millisecond) // two leases long
	var late atomic.Int64
	w.store.refusing(func(*nats.Msg) error { late.Add(1); return nil })
	close(awake)
	first.stop()
	second.stop()
	if late.Load() != 0 {
		t.Errorf("it has stored %d copies when it woke up", late.Load())
	}
	w.want("once", "rui@x", "0 "+from+" rui@x")
}

func TestTwoAtOnceDoNoHarm(t *testing.T) {
	w := newWorld(t)
	w.leases.all = true
	w.people.set(ops, "rui@x", "lia@x")
	w.start("first", nil)
	w.start("second", nil)
	var want []string
	for i := range 200 {
		w.store.add(ops, ana, fmt.Sprint(i))
		want = append(want, fmt.Sprintf("%d %s rui@x", i, from))
	}
	w.done()
	w.want("each once, in order", "rui@x", want...)
}

// TestRedisAwayStopsNobody: whoever has a partition keeps it.
func TestRedisAwayStopsNobody(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.store.add(ops, ana, "0")
	w.start("r", func(c *Config) { c.Lease = 3 * time.Second }) // who stands still for so long loses it all the same
	w.done()
	w.leases.set(func(l *leases) { l.err = errors.New("away") })
	time.Sleep(7 * time.Second) // some leases long
	w.store.add(ops, ana, "1")
	w.done()
	w.want("both", "rui@x", "0 "+from+" rui@x", "1 "+from+" rui@x")
}

// TestLogThatDoesNotAnswer holds up its members and those behind them in the group, and no
// other group; in the end it is given up.
func TestLogThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	other := "other@groups.x"
	w.people.set(ops, "rui@x", "lia@x")
	w.people.set(other, "eva@x")
	w.store.refusing(func(m *nats.Msg) error {
		if m.Subject == keyOf("rui@x").Log(0, subject.Identity) {
			return stream.ErrUnavailable
		}
		return nil
	})
	w.store.add(ops, ana, "0")
	w.store.add(ops, ana, "1")
	w.store.add(other, ana, "x")
	r := w.start("r", func(c *Config) { c.Patience = 300 * time.Millisecond })
	w.eventually("the other group goes on", func() bool { return len(w.store.got("eva@x")) == 1 })
	w.done()
	w.want("who could be reached", "lia@x", "0 "+from+" lia@x", "1 "+from+" lia@x")
	w.want("the sender is told", ana, "0 failed", "1 failed")
	if n := r.dropped(t, dropGivenUp); n != 2 {
		t.Errorf("%v copies were given up, want 2", n)
	}
}

func TestWhatNoLogTakesIsToldAndPassed(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x", "lia@x")
	w.store.refusing(func(m *nats.Msg) error {
		if m.Subject == keyOf("rui@x").Log(0, subject.Identity) {
			return stream.ErrRefused
		}
		return nil
	})
	w.store.add(ops, ana, "0")
	r := w.start("r", nil)
	w.done()
	w.want("the other", "lia@x", "0 "+from+" lia@x")
	w.want("the sender is told", ana, "0 failed")
	if n := r.dropped(t, dropRefused); n != 1 {
		t.Errorf("%v were refused, want 1", n)
	}
}

func TestWhatCannotBeFannedOutIsPassed(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.store.add("gone@groups.x", ana, "0")
	w.store.mu.Lock()
	for i, m := range []stream.Message{
		{Subject: "group.0.nothing", Data: []byte("{}")},
		{Subject: keyOf(ops).Group(0), Data: []byte("no JSON")},
		{Subject: keyOf(ops).Group(0), Data: []byte(`{"id":"1","from":"ana@x/1","to":"ops@groups.x","event":"received"}`)},
		{Subject: keyOf(ops).Group(0), Data: []byte(`{"id":"1","to":"ops@groups.x","type":"text/plain","content":""}`)},
	} {
		m.Sequence = uint64(1000 + i)
		w.store.waiting = append(w.store.waiting, m)
	}
	w.store.next = 2000
	w.store.mu.Unlock()
	w.store.add(ops, ana, "last")
	r := w.start("r", nil)
	w.done()
	w.want("the one behind them", "rui@x", "last "+from+" rui@x")
	w.want("its sender is told of a group that is gone", ana, "0 failed")
	if r.dropped(t, dropGone) != 1 || r.dropped(t, dropMalformed) != 4 {
		t.Errorf("%v are gone and %v malformed, want 1 and 4", r.dropped(t, dropGone), r.dropped(t, dropMalformed))
	}
}

func TestGroupsThatCannotBeReadAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.people.err = errors.New("away")
	w.store.add(ops, ana, "0")
	w.start("r", nil)
	w.eventually("it asks again", func() bool {
		w.people.mu.Lock()
		defer w.people.mu.Unlock()
		return w.people.refused > 2
	})
	w.want("nothing yet", "rui@x")
	w.people.mu.Lock()
	w.people.err = nil
	w.people.mu.Unlock()
	w.done()
	w.want("then", "rui@x", "0 "+from+" rui@x")
}

// TestSenderHearsWhenAllIsStored: dispatched, and received, from the group (L-NOT-03, L-NOT-06).
func TestSenderHearsWhenAllIsStored(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	listener := w.server.Connect()
	told, err := listener.SubscribeSync(keyOf("ana@x").Node("*"))
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
		t.Fatal(err)
	}
	w.start("r", nil)
	w.store.add(ops, ana, "0")
	for _, event := range []lime.Event{lime.EventDispatched, lime.EventReceived} {
		msg, err := told.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		var h lime.Header
		if _, err := h.Scan(msg.Data); err != nil || h.Event != event || string(h.From) != ops || string(h.To) != ana || string(h.ID) != "0" {
			t.Errorf("it hears %s, want %s", msg.Data, event)
		}
		if o, ok := subject.ParseReply(msg.Reply); !ok || o.Sequence != subject.NoReply {
			t.Errorf("whose origin is %v, %v", o, ok)
		}
	}
	w.want("with all stored", "rui@x", "0 "+from+" rui@x")
}

// TestMessagesWithoutAnID reach who is there, from those who may send.
func TestMessagesWithoutAnID(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "ana@x", "rui@x", "-lia@x")
	client := w.server.Connect()
	got, err := client.SubscribeSync("to.x.@.*.*")
	if err != nil {
		t.Fatal(err)
	}
	r := w.start("r", nil)
	send := func(from, text string, header nats.Header) {
		t.Helper()
		err := client.PublishMsg(&nats.Msg{
			Subject: keyOf(ops).Fan(0), Header: header,
			Data: []byte(`{"from":"` + from + `","to":"ops@groups.x","type":"text/plain","content":"` + text + `"}`),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.eventually("there is a router", func() bool {
		send(ana, "anybody?", nil)
		_, err := got.NextMsg(10 * time.Millisecond)
		return err == nil
	})
	send("lia@x/1", "hi", nil) // may not
	send("eva@x/1", "hi", nil)
	send(ana, "hi", nil)
	send(ana, "hi", nats.Header{stream.EchoHeader: {"1"}})
	want := map[string]int{"to.x.@.rui._": 2, "to.x.@.lia._": 2, "to.x.@.ana._": 1}
	for left := 5; left > 0; {
		msg, err := got.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		m, err := lime.DecodeMessage(msg.Data)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Content) == `"anybody?"` {
			continue
		}
		left--
		want[msg.Subject]--
		var h lime.Header
		if _, err := h.Scan(msg.Data); err != nil || string(h.From) != from {
			t.Errorf("%s gets %s", msg.Subject, msg.Data)
		}
	}
	for at, n := range want {
		if n != 0 {
			t.Errorf("%s misses %d", at, n)
		}
	}
	if n := r.dropped(t, dropPermission); n != 2 {
		t.Errorf("%v were refused, want 2", n)
	}
}

// TestRouterThatEndsFinishesWhatItIsAt, and gives its partitions back.
func TestRouterThatEndsFinishesWhatItIsAt(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	begun, go1 := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.store.refusing(func(*nats.Msg) error {
		once.Do(func() { close(begun) })
		<-go1
		return nil
	})
	w.store.add(ops, ana, "0")
	w.store.add(ops, ana, "1")
	r := w.start("r", nil)
	<-begun
	time.AfterFunc(50*time.Millisecond, func() { close(go1) })
	r.stop()
	w.want("the one that it was at", "rui@x", "0 "+from+" rui@x")
	if n := w.store.left(); n != 1 {
		t.Errorf("%d are left, want the other", n)
	}
	w.leases.set(func(l *leases) {
		if l.holder != "" {
			t.Errorf("the lease is %s's still", l.holder)
		}
	})
}
