package jobcontrol

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestStoppedMeansThatEveryThreadStandsStill: a program with many threads, stopped and
// continued again and again, never has one that runs when Stop has returned.
func TestStoppedMeansThatEveryThreadStandsStill(t *testing.T) {
	if os.Getenv("JOBCONTROL_CHILD") != "" {
		var spins atomic.Int64
		for range 8 {
			go func() {
				for n := 0; ; n++ {
					spins.Store(int64(n))
				}
			}()
		}
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "JOBCONTROL_CHILD=1", "GOMAXPROCS=8")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err := Stop(cmd.Process); err == nil {
			t.Error("a process that has ended was stopped")
		}
	})
	for range 100 {
		if err := Stop(cmd.Process); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", cmd.Process.Pid))
		if err != nil || len(files) == 0 {
			t.Fatalf("the threads are %q, %v", files, err)
		}
		for _, file := range files {
			stat, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			state := stat[bytes.LastIndexByte(stat, ')')+2]
			if state != 'T' {
				t.Errorf("%s is in state %c", file, state)
			}
		}
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProcessThatEndsInsteadIsNotWaitedFor(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// Whether it is stopped or has ended before, Stop returns; a stopped one goes on.
	_ = Stop(cmd.Process)
	_ = cmd.Process.Signal(syscall.SIGCONT)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
