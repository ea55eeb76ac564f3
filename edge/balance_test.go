package edge

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// loads are other edges with so many sessions.
func loads(sessions ...int) []Load {
	var all []Load
	for i, n := range sessions {
		all = append(all, Load{Edge: fmt.Sprintf("e%d", i+2), Sessions: n})
	}
	return all
}

// Each row is looked at once a second until the numbers are steady, and then once more.
func TestHowManySessionsMove(t *testing.T) {
	for _, row := range []struct {
		sentence   string
		own, going int
		others     []Load
		want       int
	}{
		{"alone", 10_000, 0, nil, 0},
		{"nobody is anywhere", 0, 0, loads(0, 0), 0},
		{"even", 1000, 0, loads(1000, 1000), 0},
		{"below", 500, 0, loads(1000, 1000), 0},
		{"above by 20 %", 1200, 0, loads(900, 900), 0},
		{"above by a little more", 1210, 0, loads(900, 890), 13},
		{"by much, but only 100 sessions", 200, 0, loads(0), 0},
		{"a few more", 202, 0, loads(0), 6},
		{"a new edge: a sixteenth of what is too much", 3000, 0, loads(3000, 0), 62},
		{"a new edge: 500 at most", 30_000, 0, loads(30_000, 0), 500},
		{"those who are going count as gone", 3000, 700, loads(3000, 0), 0},
		{"to the mean at most", 100_000, 49_999, loads(0), 0},
		{"one who is the last of many", 100_000, 0, loads(make([]int, 9)...), 500},
	} {
		var b balance
		now := time.Unix(1_000_000, 0)
		b, first := b.look(now, row.own, row.going, row.others)
		_, early := b.look(now.Add(steadyTime-1), row.own, row.going, row.others)
		_, got := b.look(now.Add(steadyTime), row.own, row.going, row.others)
		if first != 0 || early != 0 || got != row.want {
			t.Errorf("%s: %d at first, %d early and %d then, not 0, 0 and %d", row.sentence, first, early, got, row.want)
		}
	}
}

// What happens to an edge that moves sessions.
func TestWhatStopsTheMoving(t *testing.T) {
	for _, row := range []struct {
		sentence string
		own      int
		others   []Load
		want     int
	}{
		{"nothing: it goes on", 3000, loads(3000, 0), 62},
		{"it began above 20 %, and goes on below, as fast", 2200, loads(2000, 1800), 62},
		{"it is near the mean", 2100, loads(2000, 1900), 0},
		{"never below the mean", 2005, loads(2000, 1995), 0},
		{"a member is lost", 3000, loads(3000), 0},
		{"a member came", 3000, loads(3000, 0, 0), 0},
		{"a member was replaced by another run", 3000, []Load{{"e2", 3000}, {"e9", 0}}, 0},
		{"many logged in", 4000, loads(3500, 100), 0},
		{"the order says nothing", 3000, []Load{{"e3", 0}, {"e2", 3000}}, 62},
	} {
		var b balance
		now := time.Unix(1_000_000, 0)
		b, _ = b.look(now, 3000, 0, loads(3000, 0))
		now = now.Add(steadyTime)
		b, _ = b.look(now, 3000, 0, loads(3000, 0))
		if !b.moving {
			t.Fatal("it does not move")
		}
		b, got := b.look(now.Add(time.Second), row.own, 0, row.others)
		if got != row.want || b.moving != (row.want > 0) {
			t.Errorf("%s: %d move, not %d; %v", row.sentence, got, row.want, b.moving)
		}
		if _, again := b.look(now.Add(2*time.Second), row.own, 0, row.others); row.want == 0 && again != 0 {
			t.Errorf("%s: %d move a second later", row.sentence, again)
		}
	}
}

// However sessions are spread, and wherever they come back, edges that all follow the
// policy come to rest, and none of them is far above the mean.
func TestEdgesComeToRest(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		edges := make([]struct {
			balance
			sessions int
		}, 2+random.IntN(6))
		total := 0
		for i := range edges {
			edges[i].sessions = random.IntN(5000) * random.IntN(2)
			total += edges[i].sessions
		}
		now := time.Unix(1_000_000, 0)
		moved, last := 0, 0
		for second := range 2000 {
			now = now.Add(time.Second)
			arrivals := 0
			for i := range edges {
				var others []Load
				for j := range edges {
					if j != i {
						others = append(others, Load{Edge: fmt.Sprint(j), Sessions: edges[j].sessions})
					}
				}
				e := &edges[i]
				var move int
				if e.balance, move = e.look(now, e.sessions, 0, others); move > 0 {
					e.sessions -= move
					arrivals += move
					last = second
				}
			}
			for range arrivals {
				edges[random.IntN(len(edges))].sessions++
			}
			moved += arrivals
		}
		mean := total / len(edges)
		for i := range edges {
			if edges[i].tried.futile {
				t.Errorf("seed %d: edge %d has given up", seed, i)
			}
			if n := edges[i].sessions; n > mean+max(mean*22/100, 110) {
				t.Errorf("seed %d: edge %d has %d sessions, the mean is %d", seed, i, n, mean)
			}
		}
		if last > 1500 {
			t.Errorf("seed %d: %d sessions were moved, the last after %d s", seed, moved, last)
		}
	}
}
