package scale

import (
	"testing"
	"time"
)

// series is numbered messages of one kind, as they came.
type series struct {
	sent    int
	next    int // after the newest that has come
	missing map[int]bool
	twice   int
	late    int // came behind a newer one
}

// take takes one that has come.
func (s *series) take(n int) {
	switch {
	case n >= s.next:
		for ; s.next < n; s.next++ {
			s.missing[s.next] = true
		}
		s.next++
	case s.missing[n]:
		delete(s.missing, n)
		s.late++
	default:
		s.twice++
	}
}

// lost are the numbers of those that have not come.
func (s *series) lost() (all []int) {
	for n := range s.sent {
		if n >= s.next || s.missing[n] {
			all = append(all, n)
		}
	}
	return all
}

// TestOnlyAnotherSessionExcusesADuplicate: what the judge of talks says to stored messages that come twice.
func TestOnlyAnotherSessionExcusesADuplicate(t *testing.T) {
	for _, tc := range []struct {
		sentence string
		returned time.Duration // when the recipient's session began; 0 for its first
		again    int
		right    bool
	}{
		{"in the first session", 0, 0, false},
		{"in one that began long before both", time.Minute, 0, false},
		{"in one that began while the first waited for its handler", 2*time.Minute - handling/2, 1, true},
		{"in one that began between both", 2*time.Minute + time.Second, 1, true},
	} {
		one, began := newTalk(), time.Unix(1_000_000, 0)
		one.stored.sent = 1
		one.received[0] = true
		if tc.returned > 0 {
			one.returns(began.Add(tc.returned))
		}
		one.comes(0, began.Add(2*time.Minute))
		one.comes(0, began.Add(3*time.Minute))
		if err := one.judge(); (err == nil) != tc.right || one.again != tc.again {
			t.Errorf("%s: %v, and %d are excused", tc.sentence, err, one.again)
		}
	}
}
