package presencetest

import (
	"fmt"
	"sync"
	"testing"

	"limegrove/presence"
)

// manySweepers sweep at the same time, each with a store of its own as in a
// process of its own, until nothing is left, while others register.
func manySweepers(t *testing.T, w *world) {
	w.live("alive")
	w.die("dead")
	const sweepers, identities, batch = 4, 120, 25
	const many = 2*batch + 10 // more than one script removes
	var dead []presence.Registration
	for i := range identities {
		for _, instance := range []string{"1", "2"} {
			r := reg(fmt.Sprintf("user%d@x/%s", i, instance), "dead", "s"+instance)
			r.Guest = i%2 == 0
			dead = append(dead, r)
		}
	}
	for i := range many {
		dead = append(dead, reg(fmt.Sprintf("many@x/%d", i), "dead", "s"))
	}
	w.registerAll(dead)
	const all = 2*identities + many

	var mu sync.Mutex
	by := map[string]int{} // how often a node was reported
	won := map[int]int{}   // how many a sweeper reported
	var wg sync.WaitGroup
	for n := range sweepers {
		s := w.open(presence.Config{Timeout: patience, SweepBatch: batch})
		wg.Go(func() {
			for range 3 { // what was changed meanwhile is for the next sweep
				removed, err := s.Sweep(w.ctx(), func(e presence.EdgeID) bool { return e == "dead" })
				if err != nil {
					t.Errorf("sweep: %v", err)
				}
				mu.Lock()
				for _, r := range removed {
					by[r.Node.String()]++
					won[n]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for i := range identities / 3 {
			r := reg(fmt.Sprintf("user%d@x/3", i), "alive", "s3")
			if _, _, err := w.store.Register(w.ctx(), r, false); err != nil {
				t.Errorf("register: %v", err)
			}
		}
	})
	wg.Wait()
	rest, err := w.store.Sweep(w.ctx(), func(e presence.EdgeID) bool { return e == "dead" })
	w.must("sweep", err)
	for _, r := range rest {
		by[r.Node.String()]++
	}

	if len(by) != all {
		t.Errorf("%d of %d were reported", len(by), all)
	}
	for node, times := range by {
		if times != 1 {
			t.Errorf("%s was reported %d times", node, times)
		}
	}
	t.Logf("of %d, the sweepers reported %v, a last one %d", all, won, len(rest))
	for i := range identities {
		v := w.view(fmt.Sprintf("user%d@x", i))
		if i < identities/3 {
			w.wantSessions("left", v, "s3")
		} else if v.Version != 0 {
			t.Errorf("left of the %d.: %v", i, v)
		}
	}
}
