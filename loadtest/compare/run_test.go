package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"limegrove/internal/command"
	"limegrove/loadtest/adapters"
	"limegrove/loadtest/fleet"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/servers"
)

// The workers of these tests are this program, too.
func TestMain(m *testing.M) {
	if fleet.IsWorker(os.Args[1:]) {
		os.Exit(fleet.Main(adapters.New))
	}
	os.Exit(m.Run())
}

// TestATrialOfTwoServers: real ones, each round with both, and both with all figures.
func TestATrialOfTwoServers(t *testing.T) {
	results := t.TempDir()
	var out, errs strings.Builder
	args := []string{"-trials", "open-5000", "-servers", "nats,floor", "-rounds", "2", "-warmup", "100ms", "-duration", "300ms", "-results", results, "-page", ""}
	if status := run(t.Context(), args, &out, &errs); status != command.Good {
		t.Fatalf("status %d: %s\n%s", status, errs.String(), out.String())
	}
	all, err := readResults(results)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d results: %v", len(all), err)
	}
	for _, f := range all[0].Figures {
		for _, server := range all[0].Servers {
			if n := len(f.Rounds[server]); n != 2 || f.median(server) <= 0 {
				t.Errorf("%s of %s: %v", f.Name, server, f.Rounds[server])
			}
		}
	}
	if n := strings.Count(out.String(), "round 2 of 2"); n != 2 {
		t.Errorf("there were %d second rounds:\n%s", n, out.String())
	}
}

// TestEveryServerCanBeGivenEveryTrial: by its adapter.
func TestEveryServerCanBeGivenEveryTrial(t *testing.T) {
	for _, tr := range trials {
		for _, name := range servers.Names() {
			k, err := servers.New(name)
			if err != nil {
				t.Fatal(err)
			}
			say, err := adapters.New(&fleet.Plan{Protocol: k.Protocol()})
			if err != nil {
				t.Fatal(err)
			}
			if tr.compare != nil {
				continue
			}
			if _, err := scenario.New(tr.plan.Scenario, say, tr.plan.Load, scenario.Share{}); err != nil {
				t.Errorf("%s of %s: %v", tr.name, name, err)
			}
		}
	}
}

// TestHeadersAreFoundByAllPasses: at all lengths, with a ratio to each.
func TestHeadersAreFoundByAllPasses(t *testing.T) {
	results := t.TempDir()
	var out, errs strings.Builder
	if status := run(t.Context(), []string{"-trials", "scan", "-rounds", "1", "-results", results, "-page", ""}, &out, &errs); status != command.Good {
		t.Fatalf("status %d: %s\n%s", status, errs.String(), out.String())
	}
	all, err := readResults(results)
	if err != nil || len(all) != 1 || len(all[0].Figures) != 2*len(scanSizes) {
		t.Fatalf("%+v: %v", all, err)
	}
	for _, f := range all[0].Figures {
		for _, p := range passes() {
			if !(f.median(p.name) > 0) {
				t.Errorf("%s of %s: %v", f.Name, p.name, f.Rounds[p.name])
			}
		}
	}
}

func TestBadCommandLinesAreToldFromBadRuns(t *testing.T) {
	for _, args := range [][]string{
		{"-trials", "nothing"}, {"-servers", "nothing"}, {"-servers", ""}, {"-rounds", "0"}, {"-warmup", "-1s"}, {"more"}, {"-nothing"},
	} {
		if _, err := parse(args, io.Discard); !errors.Is(err, command.ErrUsage) {
			t.Errorf("%q: %v", args, err)
		}
		if status := run(t.Context(), args, io.Discard, io.Discard); status != command.Usage {
			t.Errorf("%q ends with %d", args, status)
		}
	}
	if status := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); status != command.Good {
		t.Errorf("asking for help ends with %d", status)
	}
}
