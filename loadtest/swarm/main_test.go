package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"limegrove/e2e/programs"
	"limegrove/internal/command"
	"limegrove/loadtest/adapters"
	"limegrove/loadtest/fleet"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/scenario"
)

// The workers of these tests are this program, too.
func TestMain(m *testing.M) {
	if fleet.IsWorker(os.Args[1:]) {
		os.Exit(fleet.Main(adapters.New))
	}
	goleak.VerifyTestMain(m)
}

// swarm runs the command on a cluster of real processes, and returns what it has written.
func swarm(t *testing.T, built string, args ...string) *measure.Report {
	t.Helper()
	file := filepath.Join(t.TempDir(), "result.json")
	var out, errs strings.Builder
	status := run(t.Context(), append([]string{"-programs", built, "-json", file, "-warmup", "500ms"}, args...), &out, &errs)
	t.Log(out.String(), errs.String())
	if status != command.Good {
		t.Fatalf("status %d", status)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r measure.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// TestRealClusterLosesNothing: each scenario, for a moment, with exact counts (L-MSG-11, L-NOT-03).
func TestRealClusterLosesNothing(t *testing.T) {
	built := t.TempDir()
	if _, err := programs.Build(t.Context(), built, false); err != nil {
		t.Fatal(err)
	}
	groups := func(t *testing.T, costs []measure.Cost) {
		t.Helper()
		var names []string
		for _, c := range costs {
			if names = append(names, c.Group); c.Resident <= 0 {
				t.Errorf("%s have %d bytes", c.Group, c.Resident)
			}
		}
		if got := strings.Join(names, " "); got != "edges brokers redis routers load" {
			t.Errorf("measured are %s", got)
		}
	}
	t.Run("pairs", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-pairs", "20", "-both", "-sessions", "60", "-rate", "300", "-duration", "2s", "-workers", "2")
		groups(t, r.Running)
		if s := r.Result.Sent; s < 748 || s > 752 || r.Result.Delivered != s || r.Opened.Ready != 60 {
			t.Errorf("%d were sent and %d delivered, among %d", s, r.Result.Delivered, r.Opened.Ready)
		}
	})
	t.Run("closed loop", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-pairs", "20", "-window", "4", "-duration", "1s")
		if r.Result.Measured == 0 || r.Result.Delivered != r.Result.Sent {
			t.Errorf("%d were sent and %d delivered", r.Result.Sent, r.Result.Delivered)
		}
	})
	t.Run("receipts", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-pairs", "20", "-receipts", "-rate", "200", "-duration", "2s")
		if s := r.Result.Sent; s == 0 || r.Result.Accepted != s || r.Result.Dispatched != s || r.Result.Received != s {
			t.Errorf("of %d %d were accepted, %d dispatched and %d received", s, r.Result.Accepted, r.Result.Dispatched, r.Result.Received)
		}
		if r.Result.Acceptance.Count() == 0 || r.Result.Receipt.Count() == 0 {
			t.Error("they have no delays")
		}
	})
	t.Run("secure and compressed", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-pairs", "20", "-tls", "-compress", "-size", "1024", "-rate", "200", "-duration", "1s")
		if s := r.Result.Sent; s == 0 || r.Result.Delivered != s || r.Opened.Ready != 40 {
			t.Errorf("%d were sent and %d delivered, among %d", s, r.Result.Delivered, r.Opened.Ready)
		}
	})
	t.Run("room", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-scenario", "room", "-sessions", "50", "-rate", "40", "-duration", "1s", "-stored")
		if s := r.Result.Sent; s == 0 || r.Result.Accepted != s || r.Result.Delivered != 50*s {
			t.Errorf("of %d %d were accepted, and %d copies came", s, r.Result.Accepted, r.Result.Delivered)
		}
	})
	t.Run("storm", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-scenario", "storm", "-edges", "3", "-sessions", "90", "-pairs", "20", "-rate", "200", "-duration", "2s", "-within", "200ms")
		if s := r.Result.Storm; s == nil || s.Cut != 30 || s.Back != 30 {
			t.Errorf("it was %+v", s)
		}
	})
	t.Run("floor", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-server", "floor", "-pairs", "20", "-rate", "300", "-duration", "1s")
		if r.Protocol != "floor" || r.Result.Sent == 0 || r.Result.Delivered != r.Result.Sent {
			t.Errorf("by %s %d were sent and %d delivered", r.Protocol, r.Result.Sent, r.Result.Delivered)
		}
	})
	t.Run("hold", func(t *testing.T) {
		t.Parallel()
		r := swarm(t, built, "-scenario", "hold", "-sessions", "200", "-connect-rate", "1000", "-duration", "1s")
		groups(t, r.Collected)
		if r.Opened.Ready != 200 || r.Opened.Delays.Count() != 200 {
			t.Errorf("%d are in session", r.Opened.Ready)
		}
	})
}

// TestAttacksAreCounted: by those who attack and by the edges; the others lose nothing, or the status says so.
func TestAttacksAreCounted(t *testing.T) {
	built := t.TempDir()
	if _, err := programs.Build(t.Context(), built, false); err != nil {
		t.Fatal(err)
	}
	const (
		rate      = `limegrove_edge_dropped_total{reason="rate"}`
		queueFull = `limegrove_routing_dropped_total{reason="queue_full"}`
		refused   = `limegrove_edge_rejections_total{reason="rate"}`
	)
	for _, c := range []struct {
		name, flags string
		want        func(a *scenario.Attack, counted map[string]float64) bool
	}{
		{"half", "-attackers 100 -edge-flags=-establish-timeout=1s -duration 6s", func(a *scenario.Attack, counted map[string]float64) bool {
			// Those with half a frame are cut, and come back; those with half a request have more time.
			return a.Cut >= 50 && a.Connected > 100 && a.Connected <= 100+a.Cut
		}},
		{"slow", "-attackers 20 -duration 4s", func(a *scenario.Attack, counted map[string]float64) bool {
			return a.Connected == 24 && a.Cut == 0 && counted[queueFull] > 0 && a.Answered+int64(counted[queueFull]) == a.Sent
		}},
		{"slow", "-attackers 20 -duration 4s -stored", func(a *scenario.Attack, counted map[string]float64) bool {
			return a.Connected == 24 && a.Cut == 0 && a.Kept && a.Sent >= 4498 && a.Answered == a.Sent
		}},
		{"flood", "-edge-flags=-max-rate=200 -duration 3s", func(a *scenario.Attack, counted map[string]float64) bool {
			taken := a.Answered + int64(counted[queueFull]) // what the recipient has no room for was taken, too
			return a.Connected == 2 && a.Cut == 0 && counted[rate] > 0 && taken >= 300 && taken+int64(counted[rate]) <= a.Sent
		}},
		{"commands", "-duration 3s", func(a *scenario.Attack, counted map[string]float64) bool {
			return a.Connected == 1 && a.Cut == 0 && a.Answered >= 500 && a.Refused > 0 && a.Refused <= int64(counted[rate])
		}},
		// Those that serve the others have nothing of it: what is counted is the second cluster's.
		{"flood", "-aside -edge-flags=-max-rate=200 -duration 3s", func(a *scenario.Attack, counted map[string]float64) bool {
			return a.Connected == 2 && a.Cut == 0 && counted[rate] > 0 && a.Answered >= 300
		}},
		{"connect", "-attackers 16 -sessions 60 -edge-flags=-admission-rate=80 -duration 3s", func(a *scenario.Attack, counted map[string]float64) bool {
			return a.Refused > 0 && a.Refused <= int64(counted[refused]) && a.Answered > 0 && a.Sent-a.Answered-a.Refused-a.Cut <= 16
		}},
	} {
		t.Run(c.name+c.flags, func(t *testing.T) {
			t.Parallel()
			r := swarm(t, built, strings.Fields("-scenario "+c.name+" -greedy -disturbances 1 -pairs 20 -rate 200 "+c.flags)...)
			if r.Result.Attack == nil || !c.want(r.Result.Attack, r.Dropped) {
				t.Errorf("it was %+v, and counted are %v", r.Result.Attack, r.Dropped)
			}
			if s := r.Result.Sent; s == 0 || r.Result.Delivered != s || r.Grown == nil {
				t.Errorf("the others have sent %d, and %d came; what grew is %+v", s, r.Result.Delivered, r.Grown)
			}
		})
	}
}

func TestBadCommandLinesAreRefused(t *testing.T) {
	for _, line := range []string{
		"-scenario nothing", "-protocol nothing", "-rate x", "-rate 0", "-pairs 5 -sessions 4", "-window 0", "-to nowhere",
		"-to 127.0.0.1:1 -pids edges", "-pids edges=1", "-brokers 2", "-edges 0", "-nothing", "extra", "-scenario room -rate 5 -senders 2000", "-server nothing",
		"-server floor -to 127.0.0.1:1", "-attackers 5", "-disturbances 2", "-aside", "-apart", "-aside -scenario flood -to 127.0.0.1:1", "-scenario half -attackers 9001", "-scenario connect -pairs 5 -sessions 10",
		"-tls -scenario half", "-server floor -tls", "-server floor -compress",
	} {
		var out, errs strings.Builder
		if status := run(context.Background(), strings.Fields(line), &out, &errs); status != command.Usage || errs.Len() == 0 {
			t.Errorf("%s: status %d, %q", line, status, errs.String())
		}
	}
}
