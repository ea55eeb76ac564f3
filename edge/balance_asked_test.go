package edge

import (
	"slices"
	"testing"
	"time"
)

// Each row is asked about once, and looked at in the same second.
func TestWhoIsAskedMovesAtOnceWhatIsNotTooLittle(t *testing.T) {
	for _, row := range []struct {
		sentence   string
		own, going int
		others     []Load
		want       int
	}{
		{"alone", 1000, 0, nil, 0},
		{"even", 1000, 0, loads(1000, 1000), 0},
		{"below", 900, 0, loads(1000, 1100), 0},
		{"above by 2 %", 1020, 0, loads(1000, 980), 0},
		{"above by a little more: one a second", 1021, 0, loads(1000, 979), 1},
		{"above by 4 %, less than what ends a move of its own", 1040, 0, loads(1000, 960), 2},
		{"of few by two", 22, 0, loads(18), 0},
		{"of few by three", 23, 0, loads(17), 1},
		{"those who are going count as gone", 1100, 80, loads(1000, 900), 0},
	} {
		now := time.Unix(1_000_000, 0)
		b := balance{}.even(now, row.own, row.going, row.others)
		if b, got := b.look(now, row.own, row.going, row.others); got != row.want || b.moving != (row.want > 0) {
			t.Errorf("%s: %d move, not %d; %+v", row.sentence, got, row.want, b)
		}
	}
}

// TestWhoHadNoSurplusWhenAskedMovesLater: to be asked for nothing is no attempt, and one for a little is not about much.
func TestWhoHadNoSurplusWhenAskedMovesLater(t *testing.T) {
	for _, row := range []struct {
		sentence   string
		own, other int
	}{{"below the mean", 900, 1100}, {"at the mean", 1000, 1000}, {"a little above", 1010, 990}, {"above by 3 %", 1030, 970}} {
		now := time.Unix(1_000_000, 0)
		b := balance{}.even(now, row.own, 0, loads(row.other))
		b, _ = b.look(now, row.own, 0, loads(row.other))
		own, other := 3000, 1000 // 1000 above the mean, which all who are moved leave
		moved := 0
		for range 60 {
			var n int
			now = now.Add(time.Second)
			b, n = b.look(now, own, 0, loads(other))
			own, other, moved = own-n, other+n, moved+n
		}
		if moved < 900 || moved > 1000 || b.tried.futile {
			t.Errorf("%s: %d are moved of 1000, %+v", row.sentence, moved, b.tried)
		}
	}
}

// TestWhoIsAskedForgetsWhatWasFutile: also when there is nothing to move by now.
func TestWhoIsAskedForgetsWhatWasFutile(t *testing.T) {
	s := &sticky{sessions: 3000, now: time.Unix(1_000_000, 0)}
	s.hour()
	if !s.stuck {
		t.Fatal("it has not given up")
	}
	s.balance = s.even(s.now, 1500, 0, loads(1500))
	if n := s.hour(); n < 1500 {
		t.Errorf("%d are moved of 1500 that are too many", n)
	}
}

// TestEdgesThatAreAllAskedComeToRest: though they hear of each other late and not of every session, and some of those who
// are moved come back.
func TestEdgesThatAreAllAskedComeToRest(t *testing.T) {
	for _, row := range []struct{ half, each, spread int }{{1, 1000, 80}, {3, 1000, 80}, {3, 1000, 20}, {4, 50, 8}, {8, 5000, 400}} {
		for seed := range uint64(20) {
			s := newScaledOut(seed, row.half, row.each)
			total, surplus := 0, 0
			for i := range s.sessions {
				s.sessions[i] = row.each + s.random.IntN(2*row.spread+1) - row.spread
				total += s.sessions[i]
			}
			for _, n := range s.sessions {
				surplus += max(0, n-total/len(s.sessions))
			}
			now := time.Unix(1_000_000, 0)
			s.second(now, 1<<30)
			for press := range 2 {
				for i, n := range s.sessions {
					s.edges[i] = s.edges[i].even(now, n, 0, s.others(now, i))
				}
				for range 120 {
					now = now.Add(time.Second)
					s.second(now, 1<<30)
				}
				moved := s.moved
				for range 300 {
					now = now.Add(time.Second)
					s.second(now, 1<<30)
				}
				if s.moved != moved || moved > 3*surplus {
					t.Errorf("%+v, seed %d, asked %d times: %d moves for a surplus of %d, %d of them late", row, seed, press+1, s.moved, surplus, s.moved-moved)
				}
				if most, mean := slices.Max(s.sessions), total/len(s.sessions); most > mean+max(mean*(5-press)/100, askedLeast+3) {
					t.Errorf("%+v, seed %d, asked %d times: one is far above the mean of %d, %v", row, seed, press+1, mean, s.sessions)
				}
			}
			for i, e := range s.edges {
				if e.tried.futile {
					t.Errorf("%+v, seed %d: edge %d has given up", row, seed, i)
				}
			}
		}
	}
}
