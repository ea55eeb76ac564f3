package main

import (
	"fmt"
	"time"

	"limegrove/loadtest/measure"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// grown is a delay in quiet phases, in disturbed ones, and how much longer it is then.
func grown(growth func(r *measure.Report) *measure.Growth, of func(g *measure.Growth) (quiet, disturbed time.Duration, ratio float64)) func(r *measure.Report) string {
	return func(r *measure.Report) string {
		g := growth(r)
		if g == nil {
			return "-"
		}
		quiet, disturbed, ratio := of(g)
		return fmt.Sprintf("%s, %s: %.2f", tally.Round(quiet), tally.Round(disturbed), ratio)
	}
}

// ofPhases is the growth of whole phases, and ofSeconds that of their seconds; nil where it was not measured.
func ofPhases(r *measure.Report) *measure.Growth { return r.Grown }

func ofSeconds(r *measure.Report) *measure.Growth {
	if r.Grown == nil {
		return nil
	}
	return r.Grown.Seconds
}

func p99(g *measure.Growth) (quiet, disturbed time.Duration, ratio float64) {
	return g.Quiet.P99, g.Disturbed.P99, g.P99
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
