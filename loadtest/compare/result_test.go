package main

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"limegrove/loadtest/measure"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/table"
)

// report is that of a round in which the servers had so much CPU for each of 1,000 messages.
func report(each time.Duration) *measure.Report {
	r := &measure.Report{Seconds: 2, Rate: 500, Held: true, Load: scenario.Load{Rate: 500}}
	r.Result.Measured, r.Result.Sent = 1000, 1000
	r.Opened.Ready = 100
	r.Running = []measure.Cost{{Group: "edges", CPU: 600 * each}, {Group: "brokers", CPU: 400 * each}, {Group: "load", CPU: time.Hour}}
	r.Settled = []measure.Cost{{Group: "edges", Resident: 3000, Before: 1000}, {Group: "brokers", Resident: 500, Before: 400}, {Group: "load", Resident: 1 << 40}}
	return r
}

func two(t *testing.T) (*trial, *result) {
	t.Helper()
	tr := &trial{name: "open-5000", title: "A title", figures: []table.Figure{cpu, table.Memory("memory of the servers for a session", table.Servers), delivered}}
	o := &options{servers: []string{"floor", subject}}
	return tr, newResult(tr, o)
}

func TestMediansOfRoundsAreCompared(t *testing.T) {
	tr, r := two(t)
	for _, us := range []int{10, 90, 12} {
		r.add(tr, subject, report(time.Duration(us)*time.Microsecond))
	}
	for _, us := range []int{3, 5} {
		r.add(tr, "floor", report(time.Duration(us)*time.Microsecond))
	}
	c := r.cells()
	if got, want := strings.Join(c.Head, "|"), "|floor|limegrove|limegrove : floor"; got != want {
		t.Errorf("the head is %q, want %q", got, want)
	}
	for i, want := range []string{
		"CPU of the servers for a message|4.00 µs|12.0 µs|3.00",
		"memory of the servers for a session|21 B|21 B|1.00",
		"messages delivered|500/s|500/s|1.00",
	} {
		if got := strings.Join(c.Lines[i], "|"); got != want {
			t.Errorf("row %d is %q, want %q", i, got, want)
		}
	}
	if len(r.notes("")) > 0 {
		t.Errorf("nothing was wrong, and it notes %q", r.notes(""))
	}
}

func TestWhatIsWrongIsNoted(t *testing.T) {
	tr, r := two(t)
	bad := report(time.Microsecond)
	bad.Held, bad.Result.Lost, bad.Result.Reordered = false, 7, 1
	r.add(tr, "floor", bad)
	for _, want := range []string{"floor: held no more than 500/s\n", "floor: 7 messages were lost, of 1000", "floor: 1 messages came out of order"} {
		if !strings.Contains(r.notes(""), want) {
			t.Errorf("it notes %q, without %q", r.notes(""), want)
		}
	}
}

func TestWhatIsNotThereIsNoNumber(t *testing.T) {
	tr, r := two(t)
	tr.figures[0] = p99 // and there are no delays
	r.add(tr, subject, report(time.Microsecond))
	rows := r.cells().Lines
	if got := strings.Join(rows[0][1:], "|"); got != "-|-|-" {
		t.Errorf("the row is %q", got)
	}
	if !math.IsNaN((&row{}).median("x")) {
		t.Error("nothing has a median")
	}
}

func TestResultsAreReadAsTheyAreWritten(t *testing.T) {
	dir := t.TempDir()
	tr, r := two(t)
	r.add(tr, subject, report(time.Microsecond))
	r.Command = "the command"
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	all, err := readResults(dir)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d results: %v", len(all), err)
	}
	if got := tables(all); got != r.markdown() || !strings.HasPrefix(got, "**A title** (one round): `the command`\n\n| | floor |") {
		t.Errorf("the table is\n%s", got)
	}
}

// TestThePageHasTheTablesOfItsResults: nobody has written them by hand.
func TestThePageHasTheTablesOfItsResults(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := readResults("../results")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), tables(all)) {
		t.Error("`go run ./loadtest/compare -trials none` would change it")
	}
}
