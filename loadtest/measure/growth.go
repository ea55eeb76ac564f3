package measure

import (
	"fmt"
	"slices"
	"time"

	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// Growth is what delays are that half, and 99 of 100, of a phase's do not exceed, in the quiet and in the disturbed
// phases. Each is the median of those phases, so that one in which the machine had something else to do says nothing.
type Growth struct {
	P50 float64 `json:"p50"` // the ratio
	P99 float64 `json:"p99"`

	Quiet     Level `json:"quiet"`
	Disturbed Level `json:"disturbed"`

	// Seconds is the same of each second, so that a stall of the machine says nothing, nor what is so for a moment only. Nil where
	// phases are shorter than that.
	Seconds *Growth `json:"seconds,omitempty"`
}

// String is what tables say of it.
func (g *Growth) String() string {
	return fmt.Sprintf("p50 %s, %s: %.2f  p99 %s, %s: %.2f",
		tally.Round(g.Quiet.P50), tally.Round(g.Disturbed.P50), g.P50, tally.Round(g.Quiet.P99), tally.Round(g.Disturbed.P99), g.P99)
}

// Level is medians of phases, or of seconds.
type Level struct {
	P50 time.Duration `json:"p50"` // in ns
	P99 time.Duration `json:"p99"`
}

// growth is nil where there is nothing to compare.
func growth(r *scenario.Result) *Growth {
	phases := make([][]tally.Delays, len(r.Phases))
	for i := range r.Phases {
		phases[i] = r.Phases[i : i+1]
	}
	g := growthOf(phases)
	if g != nil {
		g.Seconds = growthOf(r.Seconds)
	}
	return g
}

// growthOf compares the parts of the quiet phases with those of the others.
func growthOf(phases [][]tally.Delays) *Growth {
	quiet, disturbed := level(phases, false), level(phases, true)
	if quiet.P50 == 0 || disturbed.P50 == 0 {
		return nil
	}
	ratio := func(a, b time.Duration) float64 { return float64(a) / float64(b) }
	return &Growth{
		P50: ratio(disturbed.P50, quiet.P50), P99: ratio(disturbed.P99, quiet.P99), Quiet: quiet, Disturbed: disturbed,
	}
}

// level is zero where there are no such phases.
func level(phases [][]tally.Delays, disturbed bool) Level {
	at := func(share float64) time.Duration {
		var all []time.Duration
		for i, parts := range phases {
			for k := range parts {
				if scenario.Disturbs(i) == disturbed && parts[k].Count() > 0 {
					all = append(all, parts[k].At(share))
				}
			}
		}
		return median(all)
	}
	return Level{P50: at(0.5), P99: at(0.99)}
}

// median is 0 of none.
func median[T time.Duration | float64](all []T) T {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// Cores is how many cores a group has kept busy in the quiet phases and in the disturbed ones, as medians.
func (r *Report) Cores(group string) (quiet, disturbed float64) {
	var of [2][]float64
	for i, costs := range r.Phases {
		for _, c := range costs {
			if c.Group == group {
				of[i%2] = append(of[i%2], c.Cores)
			}
		}
	}
	return median(of[0]), median(of[1])
}
