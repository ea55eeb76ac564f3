package edge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestWhoIsAwayIsWaitedFor: an edge that moves sessions does so no faster than they come back.
func TestWhoIsAwayIsWaitedFor(t *testing.T) {
	var b balance
	now := time.Unix(1_000_000, 0)
	second := func(own, other int) (moved int) {
		now = now.Add(time.Second)
		b, moved = b.look(now, own, 0, loads(other))
		return moved
	}
	for range steadyTime / time.Second {
		second(3000, 0)
	}
	if n := second(3000, 0); n == 0 {
		t.Fatal("it does not move")
	}
	const few, many = 2900, 2800 // where 6 % of 3000 may be away
	if second(few, 0) == 0 || second(many, 0) != 0 || second(few, 0) == 0 {
		t.Error("it does not wait for those who are away alone")
	}
	waited := 0
	for own := many; waited < 300 && second(own, 0) == 0; waited++ {
		if waited < 10 {
			own++ // one comes back each second
		}
	}
	if want := 10 + int((awayTime+steadyTime)/time.Second); waited < want-2 || waited > want+2 {
		t.Errorf("those who never come back are waited for for %d s, not %d", waited, want)
	}
}

// scaledOut are edges of which half have just joined, behind a balancer that takes turns, or one that draws lots. They
// hear of each other's sessions late, and clients need a while to log in again.
type scaledOut struct {
	random   *rand.Rand
	turn     int
	draws    bool
	edges    []balance
	sessions []int
	told     []int   // the numbers when they had changed enough to be told
	heard    [][]int // what was told in the last seconds, the newest first
	arriving []int   // clients who are to arrive, by the second, the next one first
	moved    int
}

const (
	gossipLate = 3  // seconds, at most
	gossipPart = 64 // of its sessions, that others hear of
	loginLate  = 2
)

func newScaledOut(seed uint64, half, each int) *scaledOut {
	s := &scaledOut{
		random: rand.New(rand.NewPCG(seed, 2)), edges: make([]balance, 2*half), sessions: make([]int, 2*half),
		told: make([]int, 2*half), arriving: make([]int, loginLate+1),
	}
	for i := range half {
		s.sessions[i] = each
	}
	return s
}

// second passes at a moment. At most so many log in meanwhile.
func (s *scaledOut) second(now time.Time, logins int) (away int) {
	for i, n := range s.sessions {
		if max(n-s.told[i], s.told[i]-n)*gossipPart > s.told[i] {
			s.told[i] = n
		}
	}
	s.heard = append([][]int{slices.Clone(s.told)}, s.heard...)
	for i := range s.edges {
		others := s.others(now, i)
		var move int
		s.edges[i], move = s.edges[i].look(now, s.sessions[i], 0, others)
		s.sessions[i] -= move
		s.moved += move
		for range move {
			s.arriving[s.random.IntN(len(s.arriving))]++
		}
	}
	due := s.arriving[0]
	in := min(due, logins)
	for range in {
		to := s.turn % len(s.sessions)
		if s.turn++; s.draws {
			to = s.random.IntN(len(s.sessions))
		}
		s.sessions[to]++
	}
	s.arriving = append(s.arriving[1:], 0)
	s.arriving[0] += due - in
	for _, n := range s.arriving {
		away += n
	}
	return away
}

// others are what an edge has heard of by now.
func (s *scaledOut) others(now time.Time, i int) (all []Load) {
	for j := range s.edges {
		if j != i {
			late := (now.Unix() + int64(i+j)) % (gossipLate + 1)
			all = append(all, Load{fmt.Sprint(j), s.heard[min(int(late), len(s.heard)-1)][j]})
		}
	}
	return all
}

// apart is how far the edge that is furthest from the mean is, as a part of that.
func (s *scaledOut) apart() (worst float64) {
	total := 0
	for _, n := range s.sessions {
		total += n
	}
	mean := float64(total) / float64(len(s.sessions))
	for _, n := range s.sessions {
		worst = max(worst, (float64(n)-mean)/mean, (mean-float64(n))/mean)
	}
	return worst
}

// TestScaledOutEdgesAreEvenInAMinute: P7. Nearly everybody has to move once: half of those who do come back to
// an edge that has too many.
func TestScaledOutEdgesAreEvenInAMinute(t *testing.T) {
	for _, row := range []struct {
		half, each int
		draws      bool // which with few sessions is uneven by itself
	}{{1, 3000, false}, {3, 600, false}, {3, 1200, false}, {3, 8000, true}, {8, 3000, false}} {
		for seed := range uint64(10) {
			s := newScaledOut(seed, row.half, row.each)
			s.draws = row.draws
			now := time.Unix(1_000_000, 0)
			worst := 0
			for range 55 {
				now = now.Add(time.Second)
				worst = max(worst, s.second(now, 1<<30))
			}
			all := row.half * row.each
			if d := s.apart(); d > 0.10 {
				t.Errorf("%d edges with %d, seed %d: %.1f %% apart, %v", row.half, row.each, seed, 100*d, s.sessions)
			}
			moved := s.moved
			for range 600 {
				now = now.Add(time.Second)
				s.second(now, 1<<30)
			}
			if moved > all*105/100 || s.moved != moved || s.apart() > 0.10 {
				t.Errorf("%d edges with %d, seed %d: %d moves of %d sessions, %d later; then %v", row.half, row.each, seed, moved, all, s.moved-moved, s.sessions)
			}
			if worst > all/10 {
				t.Errorf("%d edges with %d, seed %d: %d of %d are away at once", row.half, row.each, seed, worst, all)
			}
		}
	}
}

// TestSlowLoginsSlowTheMovingDown: those who wait for their login never are many.
func TestSlowLoginsSlowTheMovingDown(t *testing.T) {
	s := newScaledOut(1, 3, 3000)
	now := time.Unix(1_000_000, 0)
	worst := 0
	for range 900 {
		now = now.Add(time.Second)
		worst = max(worst, s.second(now, 30))
	}
	if worst > 9000*12/100 || worst < 100 { // 6 %, and what others do not know of yet
		t.Errorf("%d of 9000 are away at once", worst)
	}
	if d := s.apart(); d > surplusPart {
		t.Errorf("%.1f %% apart after all, %v", 100*d, s.sessions)
	}
}
