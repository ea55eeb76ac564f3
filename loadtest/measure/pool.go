package measure

import (
	"errors"
	"fmt"
	"math"
	"time"

	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// Pooled is what several runs of one attack say together: one run tells little on a machine that does other things now and then.
type Pooled struct {
	Runs, Pairs int
	P50, P99    Interval
}

// Interval is how much something has grown by, and between which values that lies with a probability of nine tenths.
type Interval struct{ Ratio, Low, High float64 }

// Pool compares each quiet phase with the disturbed one behind it, in the medians of their seconds. What the machine does for minutes is in both of a pair,
// or in few pairs; so it is the pairs that vary, and not the seconds, which are many but alike. The ratio is the pairs' geometric mean,
// and the interval Student's, of the logarithms.
func Pool(reports []*Report) (*Pooled, error) {
	p := &Pooled{Runs: len(reports)}
	for share, to := range map[float64]*Interval{0.5: &p.P50, 0.99: &p.P99} {
		var logs []float64
		for i, r := range reports {
			if first := reports[0]; r.Scenario != first.Scenario || r.Load != first.Load || r.Protocol != first.Protocol || r.Clients != first.Clients || r.Servers != first.Servers {
				return nil, fmt.Errorf("run %d is of another load than the first", i+1)
			}
			of := pairs(&r.Result, share)
			if len(of) == 0 {
				return nil, fmt.Errorf("run %d has no seconds with and without an attack", i+1)
			}
			logs = append(logs, of...)
		}
		if len(logs) < 2 {
			return nil, errors.New("how sure it is takes two pairs of phases to say")
		}
		p.Pairs, *to = len(logs), interval(logs)
	}
	return p, nil
}

// pairs are the logarithms of what has grown from each quiet phase to the next one.
func pairs(r *scenario.Result, share float64) (logs []float64) {
	for i := 0; i+1 < len(r.Seconds); i += 2 {
		quiet, disturbed := middle(r.Seconds[i], share), middle(r.Seconds[i+1], share)
		if !scenario.Disturbs(i) && scenario.Disturbs(i+1) && quiet > 0 && disturbed > 0 {
			logs = append(logs, math.Log(float64(disturbed)/float64(quiet)))
		}
	}
	return logs
}

func middle(seconds []tally.Delays, share float64) time.Duration {
	var all []time.Duration
	for i := range seconds {
		if seconds[i].Count() > 0 {
			all = append(all, seconds[i].At(share))
		}
	}
	return median(all)
}

// student has the 95th percentile of Student's distribution, by degrees of freedom from 1 on.
var student = [...]float64{
	6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
	1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
}

func interval(logs []float64) Interval {
	n := float64(len(logs))
	var sum, squares float64
	for _, l := range logs {
		sum += l
	}
	mean := sum / n
	for _, l := range logs {
		squares += (l - mean) * (l - mean)
	}
	t := student[min(len(logs)-1, len(student))-1]
	off := t * math.Sqrt(squares/(n-1)/n)
	return Interval{math.Exp(mean), math.Exp(mean - off), math.Exp(mean + off)}
}
