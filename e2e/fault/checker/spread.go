package checker

import (
	"fmt"
	"slices"
	"time"
)

// Spread is how long something took, each time.
type Spread struct {
	all    []time.Duration
	sorted bool
}

func (s *Spread) add(d time.Duration) { s.all, s.sorted = append(s.all, d), false }

// Count is how often it was measured.
func (s *Spread) Count() int { return len(s.all) }

// Quantile is the time within which the share q of all were done, 0 of none.
func (s *Spread) Quantile(q float64) time.Duration {
	if len(s.all) == 0 {
		return 0
	}
	if !s.sorted {
		slices.Sort(s.all)
		s.sorted = true
	}
	return s.all[min(int(q*float64(len(s.all))), len(s.all)-1)]
}

// String is the shares that reports give.
func (s *Spread) String() string {
	if len(s.all) == 0 {
		return "never"
	}
	short := func(q float64) time.Duration { return s.Quantile(q).Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %s, p99 %s, at most %s (of %d)", short(0.5), short(0.99), short(1), len(s.all))
}
