package routing

import (
	"fmt"
	"testing"

	"limegrove/lime"
)

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
	if err := a.nc.Publish(rui.hub.key.Log(rui.partition(), "1"), []byte(unwanted)); err != nil {
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
