package table

import (
	"math"
	"testing"
	"time"

	"limegrove/loadtest/measure"
)

// report is one of 1,000 messages among 100 sessions.
func report() *measure.Report {
	r := &measure.Report{
		Seconds: 2, Rate: 500,
		Running: []measure.Cost{
			{Group: "edges", CPU: 600 * time.Millisecond},
			{Group: "brokers", CPU: 400 * time.Millisecond},
			{Group: "load", CPU: time.Hour},
			{Group: "attack", CPU: time.Hour},
		},
		Settled: []measure.Cost{{Group: "edges", Resident: 300000, Before: 100000}, {Group: "redis", Resident: 1 << 20}, {Group: "load", Resident: 1 << 40}},
	}
	r.Result.Measured, r.Opened.Ready = 1000, 100
	return r
}

func TestFiguresAreOfTheirGroups(t *testing.T) {
	r := report()
	for _, tc := range []struct {
		figure Figure
		want   string
	}{
		{Each("servers", Servers), "1000 µs"},
		{Each("edges", Edges), "600 µs"},
		{Each("others", Others), "400 µs"},
		{PerCPU("edges", Edges), "1667"},
		{Idle("edges", Edges), "3000 µs/s"},
		{Memory("edges", Edges), "1.95 KiB"},
		{Memory("others", Others), "10 KiB"},
		{Delivered("all"), "500/s"},
		{Delay("p99", 0.99), "-"},
		{Collected("edges", Edges), "-"},
		{Opening("edges", Edges), "-"},
	} {
		if got := tc.figure.Text(r); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.figure.Name, got, tc.want)
		}
	}
	if got := Each("nothing", Edges).Text(&measure.Report{}); got != "-" {
		t.Errorf("a report of nothing says %s", got)
	}
}

func TestNumbersHaveThreeDigitsThatCount(t *testing.T) {
	for _, tc := range []struct {
		unit Unit
		n    float64
		want string
	}{
		{Milliseconds, 0.258, "0.26 ms"},
		{Milliseconds, 22.58, "22.6 ms"},
		{Milliseconds, 843.2, "843 ms"},
		{Bytes, 873.4, "873 B"},
		{Count, 121382.4, "121382"},
		{Plain, 2.5, "2.50"},
		{Plain, math.Inf(1), "-"},
	} {
		if got := tc.unit.Text(tc.n); got != tc.want {
			t.Errorf("%v %s is %q, want %q", tc.n, string(tc.unit), got, tc.want)
		}
	}
}
