package e2e

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sessionsToMeasure is for `make memory`, which wants many more.
var sessionsToMeasure = flag.Int("sessions", 1000, "`number` of idle sessions whose memory is measured")

// sessionsPerProcess keeps a process of clients below the usual limit of descriptors.
const sessionsPerProcess = 15_000

// TestMemoryOfIdleSessions prints what established and registered sessions cost the
// edge. It judges no number: with few sessions, or with the race detector, they say
// little. `make memory` measures.
func TestMemoryOfIdleSessions(t *testing.T) {
	t.Parallel() // alone when it measures
	c := startCluster(t, 1)
	e := c.edges[0]
	before := e.memory(t)
	where, err := url.Parse(e.url)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for left := *sessionsToMeasure; left > 0; left -= sessionsPerProcess {
		startIdle(t, where.Host, min(left, sessionsPerProcess)).wantPrinted(t, "ready")
	}
	took := time.Since(began)
	if status, err := e.status(t.Context()); err != nil || status.Sessions != *sessionsToMeasure {
		t.Fatalf("the edge has %d sessions of %d, %v", status.Sessions, *sessionsToMeasure, err)
	}
	atOnce := e.readMemory(t)
	after := e.memory(t)

	n := float64(*sessionsToMeasure)
	row := func(what string, before, after int64) {
		t.Logf("%-21s %6d KiB without, %6d KiB with: %5.0f B a session", what, before>>10, after>>10, float64(after-before)/n)
	}
	t.Logf("%d sessions established and registered in %s, %.0f a second",
		*sessionsToMeasure, took.Round(time.Millisecond), n/took.Seconds())
	row("resident, at rest", before.resident, after.resident)
	row("resident, at once", before.resident, atOnce.resident)
	row("heap, live objects", before.live, after.live)
	row("heap, spans in use", before.held, after.held)
	row("stacks", before.stacks, after.stacks)
	t.Logf("%-21s %6d     without, %6d     with", "goroutines", before.goroutines, after.goroutines)
	if extra := after.goroutines - before.goroutines; extra > 500 {
		t.Errorf("idle sessions have %d goroutines; they need none", extra)
	}
}

// memory is what a process takes, in bytes.
type memory struct {
	resident   int64 // of the system, all of it
	live       int64 // objects that are in use
	held       int64 // the heap's spans that hold them
	stacks     int64
	goroutines int64
}

// memory reads what the edge takes at rest: its garbage is collected, and for a second
// hardly any memory has come or gone.
func (e *edge) memory(t *testing.T) memory {
	t.Helper()
	const tries = 10
	var last memory
	for range tries {
		if _, err := e.page(t.Context(), "/debug/pprof/heap?gc=1"); err != nil {
			t.Fatal(err)
		}
		m := e.readMemory(t)
		if moved := max(m.resident-last.resident, last.resident-m.resident); moved < m.resident/100 {
			return m
		}
		last = m
		<-time.After(time.Second)
	}
	t.Logf("after %d s %s is still not at rest", tries, e.name)
	return last
}

func (e *edge) readMemory(t *testing.T) memory {
	t.Helper()
	page, err := e.page(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return memory{
		resident:   residentOf(t, e.cmd.Process.Pid),
		live:       gauge(t, page, "go_memstats_heap_alloc_bytes"),
		held:       gauge(t, page, "go_memstats_heap_inuse_bytes"),
		stacks:     gauge(t, page, "go_memstats_stack_inuse_bytes"),
		goroutines: gauge(t, page, "go_goroutines"),
	}
}

// residentOf reads Rss of a process: proc_pid_smaps(5).
func residentOf(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kilobytes); err == nil {
			return kilobytes << 10
		}
	}
	t.Fatalf("no Rss in:\n%s", text)
	return 0
}

// gauge reads a metric without labels.
func gauge(t *testing.T, page []byte, name string) int64 {
	t.Helper()
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), name+" "); found {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return int64(value)
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// startIdle starts a process of idle clients.
func startIdle(t *testing.T, edge string, sessions int) *process {
	t.Helper()
	return startProcess(t, "idle", t.TempDir(), idleProgram,
		"-edge", edge, "-domain", domain, "-sessions", strconv.Itoa(sessions))
}
