package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"limegrove/internal/command"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/scenario"
)

// write writes a report as the swarm does.
func write(t *testing.T, path string, r *measure.Report) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// report is one of 1,000 messages that took a CPU-second of edges and half of one of the broker.
func report() *measure.Report {
	r := &measure.Report{
		Commit: "abc", Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Rate: 500, Held: true, Seconds: 2,
		Machine: measure.Machine{Processor: "a processor", Cores: 2, Memory: 3 << 30},
		Running: []measure.Cost{{Group: "edges", CPU: time.Second}, {Group: "brokers", CPU: time.Second / 2}, {Group: "load", CPU: 3 * time.Second}},
		Settled: []measure.Cost{{Group: "edges", Resident: 3 << 20, Before: 1 << 20}, {Group: "redis", Resident: 1 << 20}},
	}
	r.Load.Rate, r.Result.Measured, r.Result.Lost, r.Opened.Ready = 500, 1000, 7, 1024
	for i := range 100 {
		r.Result.Delivery.Note(time.Duration(i+1) * time.Millisecond)
	}
	return r
}

func TestTableSaysWhatWasMeasured(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "burst.json"), report())
	write(t, filepath.Join(dir, "burst-floor.json"), report())
	write(t, filepath.Join(dir, "hold.json"), report())
	attacked := report()
	attacked.Grown = &measure.Growth{
		P50: 1.25, Quiet: measure.Level{P50: 60 * time.Millisecond, P99: 8 * time.Millisecond},
		P99: 1.5, Disturbed: measure.Level{P50: 75 * time.Millisecond, P99: 12 * time.Millisecond},
	}
	attacked.Grown.Seconds = &measure.Growth{P99: 1.1, Quiet: measure.Level{P99: 10 * time.Millisecond}, Disturbed: measure.Level{P99: 11 * time.Millisecond}}
	attacked.Phases = [][]measure.Cost{{{Group: "edges", Cores: 0.25}}, {{Group: "edges", Cores: 0.5}}}
	attacked.Result.Attack = &scenario.Attack{Connected: 9, Cut: 8, Sent: 7, Answered: 6, Refused: 5}
	write(t, filepath.Join(dir, "flood.json"), attacked)
	text, err := tables(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 200 pairs, 16 in flight, 256 bytes | 500/s | yes | 7, 0, 0 | 50.0 ms |", "| the floor | 500/s |",
		"| 1500 µs | 1000 µs | 3000 µs | 1000 |", "| 2.00 KiB | - | 1.00 KiB |",
		"| one session's messages | 500/s | 7, 0, 0 | 60ms, 75ms: 1.25 | 8ms, 12ms: 1.50 | 10ms, 11ms: 1.10 | 9, 8 cut | 7, 6 answered, 5 refused | 0.25, 0.50 |",
		"| `bin/swarm -pairs 200 -window 16 -duration 15s` | abc | 2026-01-02 03:04 |", "On a processor, 2 cores",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "2,000 pairs") {
		t.Errorf("what was not measured is there:\n%s", text)
	}
}

// TestThePageHasTheTablesOfItsResults: nobody has written them by hand.
func TestThePageHasTheTablesOfItsResults(t *testing.T) {
	page, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := tables("../../../results")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), text) {
		t.Error("`go run ./loadtest/table/cmd/table -rows \"\"` would change it")
	}
}

// TestRowsAreMeasuredByCommandLines: with a program that writes what it was asked for.
func TestRowsAreMeasuredByCommandLines(t *testing.T) {
	dir := t.TempDir()
	fake, page := filepath.Join(dir, "swarm"), filepath.Join(dir, "page.md")
	write(t, filepath.Join(dir, "report"), report())
	script := "#!/bin/sh\necho \"$@\" >>" + filepath.Join(dir, "lines") + "\nfor file; do :; done\ncp " + filepath.Join(dir, "report") + " \"$file\"\nexit 1\n"
	if err := os.WriteFile(fake, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, []byte("<!-- measured: begin -->\n<!-- measured: end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	results := filepath.Join(dir, "results")
	status := run(t.Context(), []string{"-swarm", fake, "-results", results, "-page", page, "-rows", "one,stored-2000"}, &out, &errs)
	if status != command.Good {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	lines, err := os.ReadFile(filepath.Join(dir, "lines"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(lines)), "\n")
	if len(got) != 3 || !strings.HasPrefix(got[1], "-pairs 2000 -duration 15s -server floor -programs bin -json ") || !strings.Contains(got[2], "-stored") {
		t.Errorf("it was run with %q", got)
	}
	if text, err := os.ReadFile(page); err != nil || strings.Count(string(text), "| the floor |") != 1 {
		t.Errorf("the page is %s, %v", text, err)
	}
	if status := run(t.Context(), []string{"-rows", "nothing"}, &out, &errs); status != command.Usage {
		t.Errorf("an unknown row has the status %d", status)
	}
}
