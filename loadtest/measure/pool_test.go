package measure

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// attacked is a run of two quiet minutes and two that are disturbed, in which delays are grown times as long; the machine is slow times slower.
func attacked(random *rand.Rand, slow, grown float64) *Report {
	r := &Report{Scenario: "slow"}
	for phase := range 4 {
		var seconds []tally.Delays
		for range 60 {
			middle := slow * math.Exp(0.2*random.NormFloat64()) * float64(time.Millisecond)
			if scenario.Disturbs(phase) {
				middle *= grown
			}
			var d tally.Delays
			for range 50 {
				d.Note(time.Duration(middle))
			}
			seconds = append(seconds, d)
		}
		r.Result.Seconds = append(r.Result.Seconds, seconds)
	}
	return r
}

func TestRunsTogetherSayWhatHasGrown(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, grown := range []float64{1, 1.2} {
		runs := []*Report{attacked(random, 1, grown), attacked(random, 3, grown), attacked(random, 1, grown), attacked(random, 1.5, grown)}
		p, err := Pool(runs)
		if err != nil {
			t.Fatal(err)
		}
		if p.Runs != 4 || p.Quiet != 480 || p.Disturbed != 480 {
			t.Errorf("it is of %+v", p)
		}
		for _, of := range []Interval{p.P50, p.P99} {
			if math.Abs(of.Ratio-grown) > 0.05 || of.Low > grown || of.High < grown || of.High-of.Low > 0.15 || of.Low > of.Ratio || of.High < of.Ratio {
				t.Errorf("what has grown to %v is %+v", grown, of)
			}
		}
		again, err := Pool(runs)
		if err != nil || *again != *p {
			t.Errorf("the same runs say %+v, then %+v, %v", p, again, err)
		}
		few, err := Pool(runs[:1])
		if err != nil || few.P99.High-few.P99.Low < p.P99.High-p.P99.Low {
			t.Errorf("one run is as sure as four: %+v, %v", few, err)
		}
	}
}

func TestRunsThatDoNotBelongTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	one, other, quiet := attacked(random, 1, 1), attacked(random, 1, 1), attacked(random, 1, 1)
	other.Load.Rate = 5
	quiet.Result.Seconds = quiet.Result.Seconds[:1]
	for name, runs := range map[string][]*Report{"none": nil, "of other loads": {one, other}, "without an attack": {one, quiet}} {
		if p, err := Pool(runs); err == nil {
			t.Errorf("runs %s are %+v", name, p)
		}
	}
}
