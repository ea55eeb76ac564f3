package measure

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// attacked is a run in which delays are grown times as long in each second phase. The machine is slow times slower, and slower or faster by noise from
// phase to phase.
func attacked(random *rand.Rand, slow, noise, grown float64) *Report {
	r := &Report{Scenario: "slow"}
	for phase := range 4 {
		of := slow * math.Exp(noise*random.NormFloat64()) * float64(time.Millisecond)
		if scenario.Disturbs(phase) {
			of *= grown
		}
		var seconds []tally.Delays
		for range 10 {
			var d tally.Delays
			d.Note(time.Duration(of * math.Exp(0.1*random.NormFloat64())))
			seconds = append(seconds, d)
		}
		r.Result.Seconds = append(r.Result.Seconds, seconds)
	}
	return r
}

// TestRunsTogetherSayWhatHasGrown: in nine cases of ten the interval has it, also where the machine's own noise lasts for a phase.
func TestRunsTogetherSayWhatHasGrown(t *testing.T) {
	const draws = 100
	random := rand.New(rand.NewPCG(3, 4))
	for _, noise := range []float64{0, 0.2} {
		has, wide := 0, 0.0
		for range draws {
			const grown = 1.2
			runs := []*Report{attacked(random, 1, noise, grown), attacked(random, 3, noise, grown), attacked(random, 1, noise, grown), attacked(random, 1.5, noise, grown)}
			p, err := Pool(runs)
			if err != nil {
				t.Fatal(err)
			}
			if p.Runs != 4 || p.Pairs != 8 || p.P99.Low > p.P99.Ratio || p.P99.Ratio > p.P99.High || p.P50 != p.P99 {
				t.Fatalf("it is %+v", p)
			}
			if p.P99.Low <= grown && grown <= p.P99.High {
				has++
			}
			wide += (p.P99.High - p.P99.Low) / draws
		}
		if has < draws*83/100 || has > draws*96/100 {
			t.Errorf("with noise of %v the interval has it in %d of %d cases", noise, has, draws)
		}
		if wide > 0.1+3*noise {
			t.Errorf("with noise of %v the interval is %.2f wide", noise, wide)
		}
	}
}

func TestRunsThatDoNotBelongTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	run := func(change func(*Report)) *Report {
		r := attacked(random, 1, 0.1, 1)
		change(r)
		return r
	}
	one := run(func(*Report) {})
	for name, runs := range map[string][]*Report{
		"none": nil, "of other loads": {one, run(func(r *Report) { r.Load.Rate = 5 })}, "of other servers": {one, run(func(r *Report) { r.Servers = 3 })},
		"without an attack": {one, run(func(r *Report) { r.Result.Seconds = r.Result.Seconds[:1] })},
		"of one pair":       {run(func(r *Report) { r.Result.Seconds = r.Result.Seconds[:2] })},
	} {
		if p, err := Pool(runs); err == nil {
			t.Errorf("runs %s are %+v", name, p)
		}
	}
}
