package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// paths are of programs that are built once.
var paths Programs

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "limegrove-rig-")
	if err == nil {
		paths, err = Build(context.Background(), dir, false)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rig:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // of what is left the system disposes
		os.Exit(code)
	}))
}

// unasked tells of those that have ended by themselves.
func unasked(tell func(process, status string)) func(Exit) {
	return func(e Exit) {
		if e.Asked == 0 {
			tell(e.Process, e.Status)
		}
	}
}

// startRig starts a cluster that ends with the test.
func startRig(t *testing.T, cfg Config) *Rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if cfg.Exited == nil {
		cfg.Exited = unasked(func(process, status string) { t.Errorf("%s has ended by itself: %s", process, status) })
	}
	cfg.Programs, cfg.Window, cfg.Dir, cfg.Print = paths, time.Minute, t.TempDir(), t.Output()
	r, err := Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		for _, p := range r.Processes() {
			if text, err := os.ReadFile(p.log.Name()); t.Failed() && err == nil {
				t.Logf("the log of %s ends:\n%s", p.Name, text[max(0, len(text)-2048):])
			}
		}
	})
	return r
}

func TestClusterLivesThroughWhatIsDoneToIt(t *testing.T) {
	r := startRig(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	streams, err := r.Streams(ctx)
	if err != nil || len(streams) == 0 {
		t.Fatalf("the streams are %q, %v", streams, err)
	}
	if err := r.StepDown(ctx, streams[0]); err != nil {
		t.Error(err)
	}
	leader := func(not *Process) *Process {
		for ctx.Err() == nil { // the one that was killed is remembered for a while
			var p *Process
			if p, err = r.Leader(ctx, streams[0]); p != nil && p != not {
				return p
			}
		}
		t.Fatal(err)
		return nil
	}
	first := leader(nil)
	first.Kill()
	leader(first)
	edge, router := r.Edges[0], r.Routers[0]
	edge.Pause()
	if err := edge.ready(ctx); err == nil {
		t.Error("an edge that stands still answers")
	}
	edge.Resume()
	if !router.Terminate(20 * time.Second) {
		t.Error("the router had to be killed")
	}
	if err := r.Flush(ctx); err != nil {
		t.Error(err)
	}
	r.Redis.Kill()
	for _, p := range []*Process{first, router, r.Redis} {
		if err := p.Start(); err != nil {
			t.Error(err)
		}
	}
	for _, p := range r.Processes() {
		if err := p.Ready(ctx); err != nil {
			t.Error(err)
		}
	}
}

func TestCutKeepsProcessesApart(t *testing.T) {
	r := startRig(t, Config{})
	if !r.Partitions() {
		if err := r.Cut(Cut{From: "edge-1", To: "edge-2", Mode: Both}); err == nil {
			t.Error("a cut on loopback was taken for one")
		}
		return
	}
	// Redis's ping stands for whatever one process wants of another.
	reaches := func() error {
		cmd := r.network.command("edge-1", "timeout", "1", "redis-cli", "-h", r.Redis.Host, "ping")
		text, err := cmd.CombinedOutput()
		if err == nil && !strings.Contains(string(text), "PONG") {
			err = errors.New(string(text))
		}
		return err
	}
	if err := reaches(); err != nil {
		t.Fatalf("without a cut: %v", err)
	}
	for _, cut := range []Cut{
		{From: "edge-1", To: "redis", Mode: Both},
		{From: "edge-1", To: "redis", Mode: OneWay},
		{From: "redis", To: "edge-1", Mode: OneWay},
		{From: "redis", To: "edge-1", Mode: Both},
	} {
		if err := r.Cut(cut, cut); err != nil {
			t.Fatal(err)
		}
		if reaches() == nil {
			t.Errorf("%s does not keep them apart", cut)
		}
		if err := r.Heal(cut); err != nil {
			t.Fatal(err)
		}
		if reaches() == nil {
			t.Errorf("%s, made twice and healed once, does not keep them apart", cut)
		}
		if err := r.Heal(cut); err != nil {
			t.Fatal(err)
		}
		if err := reaches(); err != nil {
			t.Errorf("%s is healed, and: %v", cut, err)
		}
	}
}

func TestProcessThatEndsByItselfIsReportedAndComesBack(t *testing.T) {
	var mu sync.Mutex
	var exits []string
	r := startRig(t, Config{Loopback: true, Exited: unasked(func(process, status string) {
		mu.Lock()
		defer mu.Unlock()
		exits = append(exits, process+" "+status)
	})})
	p := r.Edges[0]
	p.mu.Lock()
	ended := p.life.ended
	p.mu.Unlock()
	p.signal(9)
	<-ended
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(exits) != 1 || exits[0] != "edge-1 signal: killed" {
		t.Errorf("the exits are %q", exits)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	r := startRig(t, Config{})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Processes() {
		if p.runsLocked() {
			t.Errorf("%s runs", p.Name)
		}
	}
	if n, ok := r.network.(*namespaces); ok {
		if _, err := net.InterfaceByName(n.bridge); err == nil {
			t.Errorf("the bridge %s is there", n.bridge)
		}
		if left, err := os.ReadDir("/var/run/netns"); err == nil {
			for _, space := range left {
				if owner(space.Name()+"x") == n.bridge {
					t.Errorf("the namespace %s is there", space.Name())
				}
			}
		}
	}
}
