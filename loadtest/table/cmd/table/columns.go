package main

import (
	"fmt"
	"time"

	"limegrove/loadtest/measure"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// grown is a delay in quiet phases, in disturbed ones, and how much longer it is then.
func grown(of func(g *measure.Growth) (quiet, disturbed time.Duration, ratio float64)) func(r *measure.Report) string {
	return func(r *measure.Report) string {
		if r.Grown == nil {
			return "-"
		}
		quiet, disturbed, ratio := of(r.Grown)
		return fmt.Sprintf("%s, %s: %.2f", tally.Round(quiet), tally.Round(disturbed), ratio)
	}
}

// attackOf is a figure of those who attack.
func attackOf(of func(a *scenario.Attack) string) func(r *measure.Report) string {
	return func(r *measure.Report) string {
		if r.Result.Attack == nil {
			return "-"
		}
		return of(r.Result.Attack)
	}
}

func lost(r *measure.Report) string {
	return fmt.Sprintf("%d, %d, %d", r.Result.Lost, r.Result.Twice, r.Result.Reordered)
}

// held tells whether the rate was, where there was one.
func held(r *measure.Report) string {
	switch {
	case r.Load.Rate == 0:
		return "-"
	case r.Held:
		return "yes"
	}
	return "no"
}
