package measure

import (
	"testing"
	"time"

	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// TestOnePhaseDoesNotMakeAFigure: neither one in which the machine was busy with something else, nor one without any.
func TestOnePhaseDoesNotMakeAFigure(t *testing.T) {
	phases := make([]tally.Delays, 8)
	for i, ms := range []int{10, 12, 500, 14, 10, 700, 10} {
		for range 100 {
			phases[i].Note(time.Duration(ms) * time.Millisecond)
		}
	}
	g := growth(&scenario.Result{Phases: phases})
	if g == nil || g.Seconds != nil || g.Quiet.P99 != phases[0].At(0.99) || g.Disturbed.P50 != phases[3].At(0.5) || g.P99 < 1.39 || g.P99 > 1.41 {
		t.Errorf("it is %+v", g)
	}
	if g := growth(&scenario.Result{Phases: phases[:1]}); g != nil {
		t.Errorf("without a disturbance it is %+v", g)
	}
}

// TestOneSecondDoesNotMakeAFigure: the phases have it in their 99 of 100, the medians of seconds do not.
func TestOneSecondDoesNotMakeAFigure(t *testing.T) {
	r := &scenario.Result{Phases: make([]tally.Delays, 2), Seconds: make([][]tally.Delays, 2)}
	for phase, seconds := range [][]int{{10, 900, 10}, {0, 12, 12, 700}} {
		r.Seconds[phase] = make([]tally.Delays, len(seconds))
		for second, ms := range seconds {
			for range min(100, 100*ms) {
				r.Seconds[phase][second].Note(time.Duration(ms) * time.Millisecond)
			}
			r.Phases[phase].Add(&r.Seconds[phase][second])
		}
	}
	g := growth(r)
	if g == nil || g.Quiet.P99 < 800*time.Millisecond || g.Seconds == nil || g.Seconds.P99 < 1.19 || g.Seconds.P99 > 1.21 {
		t.Errorf("it is %+v", g)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{5, 1}, 3}, {[]float64{9, 1, 2}, 2}} {
		if got := median(c.all); got != c.want {
			t.Errorf("of %v it is %g", c.all, got)
		}
	}
}
