package routing

import (
	"errors"
	"fmt"
	"testing"

	"limegrove/presence"
	"limegrove/routing/subject"
)

// What the broker has sent before it hears that a hub has ended finds nobody: a receipt waits for the next session, and
// who wants to hear of the others is told.
func TestWhatComesForAHubThatHasEndedReachesNobody(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	w.quiet()
	deaf := ana.leaveUnheard()
	rui.Receipt("m1", "ana@t.org/1", "received")
	rui.mustRoute("ana@t.org/1", `{"id":"c1","from":"rui@t.org/1","to":"ana@t.org/1","method":"get","uri":"/x"}`)
	rui.mustRoute("ana@t.org/1", `{"from":"rui@t.org/1","to":"ana@t.org/1","type":"text/plain","content":"nobody is told"}`)
	rui.Want("it is told", "c1 get failure 42")
	a.WantDropped("all of them", dropNoRecipient, 3)
	deaf()
	eventually(t, "the receipt is stored", func() bool { return b.count("limegrove_routing_stored_total") == 1 })
	a.Login("ana@t.org/1", available).Want("who comes back gets it", "m1 received")
}

// When another edge has the session that an envelope is for, that one speaks.
func TestWhatComesForAHubThatHasEndedMayReachAnother(t *testing.T) {
	w := newStoredWorld(t)
	a, b, c := w.edge("a"), w.edge("b"), w.edge("c")
	ana, other, rui := a.Login("ana@t.org/1", available), c.Login("ana@t.org/2", available), b.Login("rui@t.org/1", available)
	w.quiet()
	deaf := ana.leaveUnheard()
	rui.mustRoute("ana@t.org/2", `{"id":"c1","from":"rui@t.org/1","to":"ana@t.org/2","method":"get","uri":"/x"}`)
	rui.mustRoute("ana@t.org", `{"from":"rui@t.org/1","to":"ana@t.org","type":"text/plain","content":"hello"}`)
	rui.mustRoute("ana@t.org/1", `{"id":"c2","from":"rui@t.org/1","to":"ana@t.org/1","method":"get","uri":"/x"}`)
	other.Want("it has come to the other edge", "c1 get", "hello")
	rui.Want("nobody says that one is not there who is", "c2 get failure 42")
	deaf()
}

// leaveUnheard has a session leave without the broker hearing of it until the function that it returns is called.
func (c *client) leaveUnheard() (heard func()) {
	c.e.w.Helper()
	key := c.hub.key
	s := c.hub.shard
	c.Leave()
	s.mu.Lock()
	again := s.interest.Add(string(key))
	s.mu.Unlock()
	c.e.w.flush(c.e.nc)
	return func() { s.interest.Remove(again) }
}

// What has come of a message before its accepted waits for the next session, when the one that has sent it ends meanwhile.
func TestAnEarlyReceiptSurvivesItsReader(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	o := ana.storing("m1")
	rui.Receipt("m1", "ana@t.org/1", "received")
	w.settle()
	ana.WantNothing("it waits for accepted")
	ana.Leave()
	w.quiet()
	ana.stored(o, nil)
	eventually(t, "the receipt is stored", func() bool { return a.count("limegrove_routing_stored_total") == 1 })
	b.Login("ana@t.org/1", available).Want("the next session hears of it, and not that it is accepted", "m1 received")
}

// Nothing follows failed, for the next session neither. L-NOT-04.
func TestAnEarlyReceiptEndsWithFailed(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	o := ana.storing("m1")
	rui.Receipt("m1", "ana@t.org/1", "received")
	w.settle()
	ana.Leave()
	ana.stored(o, brokerReason())
	a.WantDropped("it is counted", dropAfterFailed, 1)
}

// One whose connection takes nothing any more has not ended yet.
func TestAnEarlyReceiptSurvivesAConnectionThatEnds(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	o := ana.storing("m1")
	rui.Receipt("m1", "ana@t.org/1", "received")
	w.settle()
	ana.Refuse(errors.New("the connection is closing"))
	ana.stored(o, nil)
	eventually(t, "the receipt is stored", func() bool { return a.count("limegrove_routing_stored_total") == 1 })
	a.WantDropped("its accepted alone", dropClosed, 1)
	ana.Leave()
	b.Login("ana@t.org/1", available).Want("the next session hears of it", "m1 received")
}

// What a session was owed, which did not read, waits for the next one.
func TestWhatASessionIsOwedSurvivesIt(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	o := ana.storing("m1")
	for _, event := range []string{"received", "consumed"} {
		rui.Receipt("m1", "ana@t.org/1", event)
	}
	w.settle()
	ana.Refuse(ErrQueueFull)
	ana.stored(o, nil)
	ana.Leave()
	eventually(t, "both are stored", func() bool { return a.count("limegrove_routing_stored_total") == 2 })
	a.WantDropped("accepted is not", dropClosed, 1)
	w.quiet()
	b.Login("ana@t.org/1", available).Want("the next session hears of them", "m1 received", "m1 consumed")
}

// As many as wait for one accepted are bounded, and the others stored.
func TestEarlyReceiptsAreBounded(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	o := ana.storing("m1")
	for range maxEarly {
		rui.Receipt("m1", "ana@t.org/1", "received")
	}
	rui.Receipt("m1", "ana@t.org/1", "consumed")
	a.WantDropped("what has no room", dropQueueFull, 1)
	eventually(t, "it is stored", func() bool { return b.count("limegrove_routing_stored_total") == 1 })
	ana.stored(o, nil)
	ana.Flush()
	eventually(t, "it comes then", func() bool {
		got := ana.Got()
		return len(got) == 2+maxEarly && got[len(got)-1] == "m1 consumed"
	})
}

// storing is a message on its way into the log, whose acknowledgement is late.
func (c *client) storing(id string) *outgoing {
	o := &outgoing{id: []byte(id), member: c.Member}
	c.hub.shard.mu.Lock()
	defer c.hub.shard.mu.Unlock()
	c.sendingLocked().storing = append(c.sendingLocked().storing, o)
	return o
}

// A session that has lost its node to another edge's knows nothing better of it than that: what still comes for it is the other's.
func TestWhatComesForALostNodeIsTheOthers(t *testing.T) {
	w := newStoredWorld(t)
	a, b, c := w.edge("a"), w.edge("b"), w.edge("c")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	w.quiet()
	deaf := ana.deaf()
	defer deaf()
	newer := c.Login("ana@t.org/1", available)
	eventually(t, "the older one is ended", func() bool { return ana.Ended() != nil })
	rui.mustRoute("ana@t.org/1", `{"id":"c1","from":"rui@t.org/1","to":"ana@t.org/1","method":"get","uri":"/x"}`)
	rui.Receipt("m1", "ana@t.org/1", "received")
	rui.mustRoute("ana@t.org", `{"id":"c2","from":"rui@t.org/1","to":"ana@t.org","method":"get","uri":"/x"}`)
	newer.Want("they come, once each", "c1 get", "m1 received", "c2 get")
	w.settle()
	rui.WantNothing("nobody says that it is not there")
	if n := b.count("limegrove_routing_stored_total"); n != 0 {
		t.Errorf("%v were stored", n)
	}
}

// deaf has the broker bring what is for a session's identity also when its hub has ended, until the function that it returns is called.
func (c *client) deaf() (no func()) {
	c.e.w.Helper()
	s := c.hub.shard
	again := s.interest.Add(string(c.hub.key)) // its hub gets all of it twice, until it ends
	c.e.w.flush(c.e.nc)
	return func() { s.interest.Remove(again) }
}

// However many hubs end that knew of no other edge, those that did are remembered, and one is remembered once.
func TestHubsThatKnewOfNobodyNeedNoMemory(t *testing.T) {
	var e ended
	remote := []presence.Registration{{}}
	knew := &hub{key: "knew", wide: &wide{remote: remote}}
	e.add(knew)
	for i := range 2 * maxEnded {
		e.add(&hub{key: subject.Key(fmt.Sprint("alone", i))})
	}
	if one := e.find("knew"); one == nil || len(one.remote) != 1 {
		t.Errorf("of a hub that knew of another edge is left %+v", one)
	}
	for range 2 * maxEnded {
		e.add(knew)
	}
	if n := e.next; n != 1 {
		t.Errorf("it has %d places", n)
	}
	e.add(&hub{key: "knew"})
	if one := e.find("knew"); one == nil || len(one.remote) != 0 {
		t.Errorf("when it ends again, and knows of nobody, there is left %+v", one)
	}
	for i := range maxEnded {
		e.add(&hub{key: subject.Key(fmt.Sprint("knew", i)), wide: &wide{remote: remote}})
	}
	if e.find("knew") != nil {
		t.Error("the oldest is remembered for ever")
	}
}

// What an edge has begun to store when it ends is stored, and what has come of it told to whoever comes next.
func TestAnEdgeThatEndsFinishesWhatItStores(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	w.quiet()
	const many = 50
	for i := range many {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
	}
	ana.Leave()
	a.stop()
	eventually(t, "all are stored, and come", func() bool { return len(rui.Got()) == many })
}
