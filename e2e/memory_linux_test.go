package e2e

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sessionsToMeasure is for `make memory`, which wants many more.
var sessionsToMeasure = flag.Int("sessions", 1000, "`number` of idle sessions whose memory is measured")

// mostOfASession is a third above what the objects of a thousand sessions take of the edge's heap each, in bytes.
const mostOfASession = 1400

// sessionsPerProcess keeps a process of clients below the usual limit of descriptors.
const sessionsPerProcess = 15_000

// restToMeasure is for `make memory` as well.
var restToMeasure = flag.Duration("rest", 0, "`time` that idle sessions are watched for what they cost in CPU; 0 for none")

// TestMemoryOfIdleSessions prints what established, registered and available sessions cost
// the edge, and judges what their objects take of its heap, unless it has the race detector.
// `make memory` measures with many.
func TestMemoryOfIdleSessions(t *testing.T) {
	t.Parallel() // alone when it measures
	c := startCluster(t, 1)
	e := c.edges[0]
	extra := measureIdle(t, e)
	if extra.goroutines > 500 {
		t.Errorf("idle sessions have %d goroutines; they need none", extra.goroutines)
	}
	if each := extra.live / int64(*sessionsToMeasure); each > mostOfASession && !raced {
		t.Errorf("the objects of a session take %d B, want %d at most", each, mostOfASession)
	}
}

// TestMemoryOfIdleSessionsInTLS is the same with a goroutine for each, which TLS needs.
func TestMemoryOfIdleSessionsInTLS(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	c := startCluster(t, 1, "-tls-cert", certificate, "-tls-key", key)
	e := c.edges[0]
	extra := measureIdle(t, e, "-tls")
	if most := int64(*sessionsToMeasure + 500); extra.goroutines > most {
		t.Errorf("idle sessions have %d goroutines; they need one each", extra.goroutines)
	}
}

// measureIdle prints what idle sessions cost an edge, and returns what of it can be judged: their
// goroutines and their objects. flags are for who has them.
func measureIdle(t *testing.T, e *edge, flags ...string) (extra memory) {
	t.Helper()
	before := e.memory(t)
	where, err := url.Parse(e.url)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for left := *sessionsToMeasure; left > 0; left -= sessionsPerProcess {
		startIdle(t, where.Host, min(left, sessionsPerProcess), flags...).wantPrinted(t, "ready")
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
	if *restToMeasure > 0 {
		spent := e.spent(t)
		<-time.After(*restToMeasure)
		spent = e.spent(t) - spent
		// What a client of the whole way sees: nobody has told the edge to.
		row("resident, later", before.resident, residentOf(t, e.cmd.Process.Pid))
		t.Logf("%s of CPU in %s at rest: %.2f µs a second and session", spent, restToMeasure, spent.Seconds()/restToMeasure.Seconds()/n*1e6)
	}
	t.Logf("pauses for garbage collection: %s", e.pauses(t))
	return memory{goroutines: after.goroutines - before.goroutines, live: after.live - before.live}
}

// spent is the CPU time that an edge has used: its own measure, in steps of 10 ms.
func (e *edge) spent(t *testing.T) time.Duration {
	t.Helper()
	page, err := e.page(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(number(t, page, "process_cpu_seconds_total") * float64(time.Second))
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
		e.freeMemory(t)
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

// freeMemory has the edge collect its garbage, and give back what is free.
func (e *edge) freeMemory(t *testing.T) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.admin+"/debug/freeosmemory", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // it is empty
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%s does not give memory back: %s", e.name, answer.Status)
	}
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

// pauses are the quantiles of the last 256, from the least to the longest.
func (e *edge) pauses(t *testing.T) string {
	t.Helper()
	page, err := e.page(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(page)) {
		if rest, ok := strings.CutPrefix(line, "go_gc_duration_seconds{quantile="); ok {
			quantile, value, _ := strings.Cut(rest, "} ")
			seconds, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%s: %.3f ms", strings.Trim(quantile, `"`), 1000*seconds))
		}
	}
	return strings.Join(all, ", ")
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

func gauge(t *testing.T, page []byte, name string) int64 { return int64(number(t, page, name)) }

// number reads a metric without labels.
func number(t *testing.T, page []byte, name string) float64 {
	t.Helper()
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), name+" "); found {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return value
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// startIdle starts a process of idle clients.
func startIdle(t *testing.T, edge string, sessions int, flags ...string) *process {
	t.Helper()
	return startProcess(t, "idle", t.TempDir(), idleProgram,
		append([]string{"-edge", edge, "-domain", domain, "-sessions", strconv.Itoa(sessions)}, flags...)...)
}
