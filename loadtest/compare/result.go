package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"limegrove/loadtest/measure"
	"limegrove/loadtest/table"
)

// result is all that a trial has told, as it is written to a file.
type result struct {
	Trial   string          `json:"trial"`
	Title   string          `json:"title"`
	Command string          `json:"command"`
	Commit  string          `json:"commit,omitempty"`
	Date    time.Time       `json:"date"`
	Machine measure.Machine `json:"machine"`
	Servers []string        `json:"servers"` // in the order of the command line
	Figures []row           `json:"figures"`
	// Notes are what was wrong with messages, by server.
	Notes map[string][]string `json:"notes,omitempty"`
}

// row is one figure of all servers.
type row struct {
	Name   string               `json:"name"`
	Unit   table.Unit           `json:"unit"`
	Rounds map[string][]float64 `json:"rounds"` // by server
}

// note takes the number of one round.
func (r *row) note(server string, n float64) { r.Rounds[server] = append(r.Rounds[server], n) }

// median is that of a server's rounds; NaN when it has none.
func (r *row) median(server string) float64 {
	all := slices.Sorted(slices.Values(r.Rounds[server]))
	if len(all) == 0 {
		return math.NaN()
	}
	half := len(all) / 2
	if len(all)%2 == 1 {
		return all[half]
	}
	return (all[half-1] + all[half]) / 2
}

// newResult is that of a trial before its first round.
func newResult(t *trial, o *options) *result {
	r := &result{
		Trial: t.name, Title: t.title, Servers: o.servers, Command: commandLine(o.args),
		Date: time.Now().UTC().Truncate(time.Second), Notes: map[string][]string{},
	}
	for _, f := range t.figures {
		r.Figures = append(r.Figures, row{Name: f.Name, Unit: f.Unit, Rounds: map[string][]float64{}})
	}
	return r
}

// add takes the report of one round.
func (r *result) add(t *trial, server string, report *measure.Report) {
	r.Machine = report.Machine
	for i, f := range t.figures {
		if n := f.Of(report); !math.IsNaN(n) && !math.IsInf(n, 0) {
			r.Figures[i].note(server, n)
		}
	}
	r.Notes[server] = append(r.Notes[server], wrong(report)...)
}

// wrong is what was wrong with the sessions and the messages of one round.
func wrong(r *measure.Report) (notes []string) {
	m := &r.Result
	if !r.Held && r.Load.Rate > 0 {
		notes = append(notes, fmt.Sprintf("held no more than %.0f/s", r.Rate))
	}
	for _, n := range []struct {
		count int64
		what  string
	}{
		{int64(r.Opened.Failed), "sessions were not established"},
		{m.Cut, "sessions ended"},
		{m.Lost, "messages were lost"},
		{m.Twice, "messages came twice"},
		{m.Reordered, "messages came out of order"},
		{m.Refused, "messages were refused"},
		{m.Unsent, "messages could not be sent"},
		{m.Faults, "faults: " + m.Fault},
	} {
		if n.count > 0 {
			notes = append(notes, fmt.Sprintf("%d %s, of %d messages", n.count, n.what, m.Sent))
		}
	}
	if m.Lost > 0 {
		for _, reason := range slices.Sorted(maps.Keys(r.Dropped)) {
			notes = append(notes, fmt.Sprintf("it says that it has dropped %.0f: %s", r.Dropped[reason], reason))
		}
	}
	return notes
}

const resultPrefix = "compare-"

// write writes it into a folder.
func (r *result) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return measure.WriteFile(filepath.Join(dir, resultPrefix+r.Trial+".json"), r)
}

// readResults reads those that are in a folder, in the order of the trials.
func readResults(dir string) (all []*result, err error) {
	for _, name := range trialNames() {
		r, err := measure.ReadFile[result](dir, resultPrefix+name)
		if err != nil {
			return nil, err
		}
		if r != nil {
			all = append(all, r)
		}
	}
	return all, nil
}

// commandLine is how the command is repeated.
func commandLine(args []string) string {
	return strings.Join(append([]string{"go run ./loadtest/compare"}, args...), " ")
}
