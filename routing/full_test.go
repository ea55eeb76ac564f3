package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
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
		first, late := fmt.Sprint("first", round), fmt.Sprint("late", round)
		ana.SayID(first, "rui@t.org", text)
		eventually(t, "there is room for one", func() bool { return slices.Contains(ana.Got(), first+" accepted") })
		for i := range n {
			lia.SayID(fmt.Sprintf("m%d-%d", round, i), "rui@t.org", text)
		}
		var failed int // some of which may be stored, and the answer came too late
		answers := func() (accepted []string) {
			failed = 0
			for _, told := range lia.Got() {
				if id, ok := strings.CutSuffix(told, " accepted"); ok {
					accepted = append(accepted, id)
				} else if strings.HasSuffix(told, " failed 51") {
					failed++
				}
			}
			return accepted
		}
		eventually(t, "each is answered", func() bool { return len(answers())+failed == n })
		accepted := append(answers(), first)
		if failed == 0 {
			t.Errorf("all of %d are accepted, for which there is no room", n)
		}
		lia.mu.Lock()
		lia.got, lia.written = nil, 0
		lia.mu.Unlock()
		ana.SayID(late, "rui@t.org", text)
		w.settle()
		if slices.Contains(ana.Got(), late+" accepted") {
			t.Error("what has no room is accepted")
		}

		// Whoever comes now gets what there is, and whoever has nothing comes in as well.
		rui := a.Login("rui@t.org/1", available)
		if round > 0 {
			accepted = append(accepted, fmt.Sprint("late", round-1))
		}
		eventually(t, "what was accepted is there", func() bool {
			got := rui.ids()
			return !slices.ContainsFunc(accepted, func(id string) bool { return !slices.Contains(got, id) })
		})
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
		eventually(t, "there is room", func() bool { return slices.Contains(ana.Got(), late+" accepted") })
		ana.mu.Lock()
		ana.got, ana.written = nil, 0
		ana.mu.Unlock()
		w.sweep()
	}
}

// ids are those of what was delivered so far.
func (c *client) ids() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, raw := range c.raw {
		var h lime.Header
		if _, err := h.Scan(raw); err != nil {
			c.e.w.Error(err)
		}
		all = append(all, string(h.ID))
	}
	return all
}
