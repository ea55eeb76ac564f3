package routing

import (
	"fmt"
	"testing"

	"limegrove/routing/stream"
)

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
