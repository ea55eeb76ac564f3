package measure

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"limegrove/loadtest/scenario"
)

// Pooled is what several runs of one attack say together: one run tells little on a machine that does other things now and then.
type Pooled struct {
	Runs             int
	Quiet, Disturbed int // seconds
	P50, P99         Interval
}

// Interval is how much something has grown by, and between which values that lies with a probability of nine tenths.
type Interval struct{ Ratio, Low, High float64 }

const (
	// Seconds that follow one another are alike, so that whole blocks of them are drawn.
	poolBlock = 10
	poolDraws = 1000
	poolTail  = 0.05 // on each side
)

// Pool has the seconds of all runs, each divided by its run's median so that runs of a slow hour count like others, in two lots, and tells
// how the medians of the lots are to one another. The interval is bootstrapped: blocks of seconds are drawn again and again, with
// replacement (Künsch, The jackknife and the bootstrap for general stationary observations, 1989). The same reports have the same interval.
func Pool(reports []*Report) (*Pooled, error) {
	if len(reports) == 0 {
		return nil, errors.New("there are no runs")
	}
	p := &Pooled{Runs: len(reports)}
	for share, to := range map[float64]*Interval{0.5: &p.P50, 0.99: &p.P99} {
		var lots [2][][]float64
		for i, r := range reports {
			if r.Scenario != reports[0].Scenario || r.Load != reports[0].Load {
				return nil, fmt.Errorf("run %d is of another load than the first", i+1)
			}
			blocks := blocksOf(&r.Result, share)
			if len(blocks[0]) == 0 || len(blocks[1]) == 0 {
				return nil, fmt.Errorf("run %d has no seconds with and without an attack", i+1)
			}
			for lot := range lots {
				lots[lot] = append(lots[lot], blocks[lot]...)
			}
		}
		*to = interval(lots)
		p.Quiet, p.Disturbed = len(slices.Concat(lots[0]...)), len(slices.Concat(lots[1]...))
	}
	return p, nil
}

// blocksOf is what a run's seconds have of a share, of quiet phases and of others, in blocks, and to the run's median.
func blocksOf(r *scenario.Result, share float64) (lots [2][][]float64) {
	var all []float64
	for phase, seconds := range r.Seconds {
		lot := 0
		if scenario.Disturbs(phase) {
			lot = 1
		}
		var of []float64
		for i := range seconds {
			if seconds[i].Count() > 0 {
				of = append(of, float64(seconds[i].At(share)))
			}
		}
		all = append(all, of...)
		lots[lot] = slices.AppendSeq(lots[lot], slices.Chunk(of, poolBlock))
	}
	if middle := median(all); middle > 0 { // which is not in the order of the blocks any more
		for _, of := range slices.Concat(lots[0], lots[1]) {
			for i := range of {
				of[i] /= middle
			}
		}
	}
	return lots
}

func interval(lots [2][][]float64) Interval {
	ratio := func(quiet, disturbed []float64) float64 { return median(disturbed) / median(quiet) }
	to := Interval{Ratio: ratio(slices.Concat(lots[0]...), slices.Concat(lots[1]...))}
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	draw := func(blocks [][]float64) (all []float64) {
		for range blocks {
			all = append(all, blocks[random.IntN(len(blocks))]...)
		}
		return all
	}
	ratios := make([]float64, poolDraws)
	for i := range ratios {
		ratios[i] = ratio(draw(lots[0]), draw(lots[1]))
	}
	slices.Sort(ratios)
	to.Low, to.High = ratios[int(poolTail*poolDraws)], ratios[int((1-poolTail)*poolDraws)]
	return to
}
