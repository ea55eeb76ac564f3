package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/routing/stream"
)

// A log that is full takes messages again, by itself, when the sweep has made room.
func TestAFullLogRefusesUntilItIsSwept(t *testing.T) {
	w := &storedWorld{world: newWorld(t)}
	w.streams = openStreams(w.world, stream.Config{Partitions: 1, LogBytes: 64 << 10})
	edge := func(name string, timeout time.Duration) *testEdge {
		return w.world.edge(name, Config{Streams: w.streams, StoreTimeout: timeout})
	}
	a, b := edge("a", patience), edge("b", 200*time.Millisecond)
	ana, lia := a.Login("ana@t.org/1", available), b.Login("lia@t.org/1", available)
	const n = 20
	for round := range 2 {
		text := strings.Repeat("x", 8<<10)
		for i := range n {
			lia.SayID(fmt.Sprintf("m%d-%d", round, i), "rui@t.org", text)
		}
		var accepted, failed int
		eventually(t, "each is answered", func() bool {
			all := strings.Join(lia.Got(), "\n")
			accepted, failed = strings.Count(all, "accepted"), strings.Count(all, "failed 51")
			return accepted+failed == n
		})
		if accepted == 0 || failed == 0 {
			t.Errorf("of %d, for which there is no room, %d are accepted and %d have failed with 51", n, accepted, failed)
		}
		lia.mu.Lock()
		lia.got, lia.written = nil, 0
		lia.mu.Unlock()
		ana.SayID(fmt.Sprint("late", round), "rui@t.org", text)
		ana.WantNothing("it waits for room")

		// Whoever comes now gets what there is, and whoever has nothing comes in as well.
		rui := a.Login("rui@t.org/1", available)
		eventually(t, "what was accepted is there", func() bool { return len(rui.Got()) == accepted+round }) // and the late one
		ivo := b.Login("ivo@t.org/1", available)
		eventually(t, "he has begun", func() bool {
			ivo.hub.shard.mu.Lock()
			defer ivo.hub.shard.mu.Unlock()
			return ivo.follows[byNode].Live() && ivo.follows[byIdentity].Live()
		})
		ivo.Leave()
		w.noneLeft(rui)
		rui.Leave()
		w.sweep()
		eventually(t, "there is room", func() bool { return slices.Contains(ana.Got(), fmt.Sprintf("late%d accepted", round)) })
		ana.mu.Lock()
		ana.got, ana.written = nil, 0
		ana.mu.Unlock()
		w.sweep()
	}
}
