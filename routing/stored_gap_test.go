package routing

import (
	"fmt"
	"slices"
	"testing"
)

func TestALostCopyIsReadBack(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("the first comes", "one")

	// The copy of the second is lost on its way: its hub is not there.
	hub := b.hub("rui@t.org")
	hub.shard.mu.Lock()
	hub.shard.hubs.remove(hub)
	hub.shard.mu.Unlock()
	ana.SayID("m2", "rui@t.org", "two")
	eventually(t, "it is accepted", func() bool { return slices.Contains(ana.Got(), "m2 accepted") })
	w.settle()
	hub.shard.mu.Lock()
	hub.shard.hubs.add(hub)
	hub.shard.mu.Unlock()
	rui.WantNothing("it is lost")

	ana.SayID("m3", "rui@t.org", "three")
	rui.Want("the third shows it", "two", "three")
	if got := b.count("limegrove_routing_gaps_total"); got != 1 {
		t.Errorf("%v gaps, want 1", got)
	}
}

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
