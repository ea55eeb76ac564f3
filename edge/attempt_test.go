package edge

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// sticky is an edge to which all clients come back.
type sticky struct {
	balance
	sessions, others int
	settle, away     int // seconds until one that is told to go has gone, and is back
	now              time.Time
	told             []int // how many were, by second
}

// second passes, and so many are told to go in it.
func (s *sticky) second() (moved int) {
	s.now = s.now.Add(time.Second)
	sum := func(from, to int) (n int) { // told to go so many seconds ago
		for ago := from; ago < to && ago < len(s.told); ago++ {
			n += s.told[len(s.told)-1-ago]
		}
		return n
	}
	own := s.sessions - sum(s.settle, s.settle+s.away)
	s.balance, moved = s.look(s.now, own, sum(0, s.settle), loads(s.others))
	s.told = append(s.told, moved)
	return moved
}

func (s *sticky) hour() (moved int) {
	for range 3600 {
		moved += s.second()
	}
	return moved
}

func TestMovingEndsWhenClientsComeBack(t *testing.T) {
	for _, row := range []struct {
		sentence     string
		settle, away int
	}{
		{"at once", 0, 0},
		{"after a second", 0, 1},
		{"when they have acknowledged", 30, 1},
		{"after a pause, in which the mean falls", 0, 20},
		{"after both", 30, 20},
	} {
		const surplus = 1500 // of 3000, where the mean is 1500
		s := &sticky{sessions: 2 * surplus, settle: row.settle, away: row.away, now: time.Unix(1_000_000, 0)}
		if n := s.hour(); n < surplus || n > 3*surplus || !s.tried.futile || !s.stuck {
			t.Errorf("%s: %d of 3000 are moved, want about %d; %+v", row.sentence, n, surplus, s.balance)
		}
		if n := s.hour(); n > 0 {
			t.Errorf("%s: %d are moved an hour later", row.sentence, n)
		}
		s.sessions, s.others = s.sessions+100, s.others+100
		if n := s.hour(); n > 0 {
			t.Errorf("%s: %d are moved when the mean is about the same", row.sentence, n)
		}
		s.sessions += 500
		if n := s.hour(); n < surplus {
			t.Errorf("%s: %d are moved when the mean has changed", row.sentence, n)
		}
	}
}

func TestMovingBeginsAgainWithOtherMembers(t *testing.T) {
	s := &sticky{sessions: 3000, now: time.Unix(1_000_000, 0)}
	s.hour()
	now := s.now
	moved := 0
	for range steadyTime/time.Second + 10 {
		now = now.Add(time.Second)
		b, n := s.look(now, s.sessions, 0, []Load{{"another run", 0}})
		s.balance = b
		moved += n
	}
	if moved == 0 || s.stuck {
		t.Errorf("%d are moved, %+v", moved, s.balance)
	}
}

// TestASurplusThatHasGrownIsAnotherAttempt: it goes at its own pace, and is not judged by what became of the smaller one.
func TestASurplusThatHasGrownIsAnotherAttempt(t *testing.T) {
	many := make([]int, 19) // other edges, so that the mean is the same still
	for i := range many {
		many[i] = 1000
	}
	for _, row := range []struct {
		sentence      string
		before, after int // own ones
		others        []Load
		seconds       int // between them
		futile        bool
		want          int // a second, then
	}{
		{"a minute after it", 240, 6000, loads(0), 60, false, 187},
		{"a minute after it, a little more", 240, 264, loads(0), 60, false, 7},
		{"under way", 1300, 3000, loads(many...), 1, false, 118},
		{"under way, by a tenth of the mean", 1300, 1400, loads(many...), 1, false, 17},
		{"when it was futile", 1300, 3000, loads(many...), 60, true, 118},
		{"when it was futile, by a tenth of the mean", 1300, 1400, loads(many...), 60, true, 0},
	} {
		now := time.Unix(1_000_000, 0)
		var b balance
		b, _ = b.look(now, row.before, 0, row.others)
		now = now.Add(steadyTime)
		b, n := b.look(now, row.before, 0, row.others)
		if n == 0 {
			t.Fatalf("%s: it does not move", row.sentence)
		}
		b.tried.futile = row.futile
		if row.seconds > 1 { // all who were moved have stayed away meanwhile, or come back
			own := int(b.mean)
			if row.futile {
				own = row.before
			}
			b, _ = b.look(now.Add(time.Second), own, 0, row.others)
		}
		now = now.Add(time.Duration(row.seconds) * time.Second)
		b, n = b.look(now, row.after, 0, row.others)
		if row.seconds > 1 {
			b, n = b.look(now.Add(steadyTime), row.after, 0, row.others)
		}
		if n != row.want || b.tried.futile != (row.want == 0) {
			t.Errorf("%s: %d move, not %d; %+v", row.sentence, n, row.want, b.tried)
		}
	}
}

// A balancer that treats all alike sends many back to those that have too many, when
// there are many such.
func TestAnEvenBalancerIsNotTakenForAStickyOne(t *testing.T) {
	for _, each := range []int{600, 3000} {
		for full := 1; full <= 4; full++ {
			random := rand.New(rand.NewPCG(uint64(full), uint64(each)))
			edges := make([]balance, full+1)
			sessions := make([]int, full+1)
			for i := range full {
				sessions[i] = each
			}
			now := time.Unix(1_000_000, 0)
			for range 1500 {
				now = now.Add(time.Second)
				arrivals := 0
				for i := range edges {
					var others []Load
					for j := range edges {
						if j != i {
							others = append(others, Load{fmt.Sprint(j), sessions[j]})
						}
					}
					var move int
					edges[i], move = edges[i].look(now, sessions[i], 0, others)
					sessions[i] -= move
					arrivals += move
				}
				for range arrivals {
					sessions[random.IntN(len(sessions))]++
				}
			}
			for i, b := range edges {
				if b.tried.futile || b.moving || sessions[i] > (each*full/(full+1))*122/100 {
					t.Errorf("edge %d of %d full ones: %d sessions of %d, %+v", i, full, sessions[i], each, b.tried)
				}
			}
		}
	}
}

func TestThatMovingIsGivenUpIsTold(t *testing.T) {
	log, lines := test.NewNullLogger()
	n := &neighbors{loads: func() []Load { return nil }}
	inMemory(t, Config{Peers: n, Logger: log}, func(t *testing.T, e *fixture) {
		const sessions, mean = 260, 130
		clients := make([]*client, sessions)
		for i := range clients {
			clients[i] = e.login(fmt.Sprintf("c%d@example.org/1", i))
		}
		n.are(func() []Load { return loads(0) }) // it turns everybody away
		for range 240 {
			time.Sleep(time.Second)
			synctest.Wait()
			for i, c := range clients {
				if finished(c) {
					clients[i] = e.login(c.node)
				}
			}
		}
		if n := counted(t, e.metrics.rebalanced); n < sessions-mean || n > sessions {
			t.Errorf("%d were finished, though they come back", n)
		}
		if n := counted(t, e.metrics.surplus); n != sessions-mean {
			t.Errorf("the surplus is told as %d", n)
		}
		warnings := 0
		for _, line := range lines.AllEntries() {
			if line.Level == logrus.WarnLevel {
				warnings++
			}
		}
		if warnings != 1 {
			t.Errorf("%d warnings, want one: %v", warnings, lines.AllEntries())
		}
	})
}

// finished tells whether a client's session has come to its end.
func finished(c *client) bool {
	for {
		select {
		case _, ok := <-c.in:
			if !ok {
				return true
			}
		default:
			return false
		}
	}
}
