package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// begin runs a command line whose work has ended before it begins, and wants nothing to
// be left behind.
func begin(t *testing.T, args string) (status int, says string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	status = run(done, strings.Fields(args), &out, &out)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%q, %v are left behind", left, err)
	}
	return status, out.String()
}

// TestBadCommandLineIsRefused before anything is built, which would have another status.
func TestBadCommandLineIsRefused(t *testing.T) {
	for _, tc := range []struct{ args, says string }{
		{"-nope", "-nope"},
		{"backlog", "backlog"},
		{"-scenario flood", "-scenario"},
		{"-receipts none", "-receipts"},
		{"-scenario stalled -receipts none", "-receipts"},
		{"-rate 100,many", "-rate"},
		{"-scenario stalled -rate 100,200", "-rate"},
		{"-duration 10s", "-warmup"},
		{"-duration 15s -warmup 15s", "-warmup"},
		{"-scenario latency -duration 15s", "-warmup"},
		{"-scenario group -warmup 40s", "-warmup"},
		{"-scenario group -rate 1,2", "-rate"},
		{"-scenario group -members 1", "-members"},
		{"-scenario group -groups 0", "-groups"},
		{"-duration -1s", "-duration"},
		{"-warmup -1s", "-warmup"},
		{"-brokers 2", "-brokers"},
		{"-edges 0", "-edges"},
		{"-processors -1", "-processors"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			if status, says := begin(t, tc.args); status != statusUsage || !strings.Contains(says, tc.says) {
				t.Errorf("status %d, want %d, with %q in:\n%s", status, statusUsage, tc.says, says)
			}
		})
	}
}

func TestGoodCommandLineIsTaken(t *testing.T) {
	for _, args := range []string{
		"", "-duration 16s", "-receipts received -rate 1,2", "-scenario latency -brokers 3",
		"-scenario stalled -duration 10s", "-scenario backlog -duration 1s",
		"-scenario group -groups 1 -members 5000 -rate 1",
	} {
		t.Run(args, func(t *testing.T) {
			if status, says := begin(t, args); status != statusBad {
				t.Errorf("status %d, want %d:\n%s", status, statusBad, says)
			}
		})
	}
	if status, says := begin(t, "-h"); status != statusGood || !strings.Contains(says, "-scenario") {
		t.Errorf("with -h the status is %d:\n%s", status, says)
	}
}

func TestLogsOfARunThatFailedAreKept(t *testing.T) {
	broken := errors.New("edge-1 has ended")
	for _, tc := range []struct {
		name string
		keep bool
		err  error
		kept bool
	}{
		{"it failed", false, broken, true},
		{"it was good", false, nil, false},
		{"it was good, and is to be kept", true, nil, true},
		{"somebody has ended it", false, fmt.Errorf("ended: %w", context.Canceled), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var log string
			var says strings.Builder
			err := inFolder(tc.keep, &says, func(dir string) error {
				log = filepath.Join(dir, "edge-1.log")
				return errors.Join(os.WriteFile(log, nil, 0o600), tc.err)
			})
			if !errors.Is(err, tc.err) {
				t.Errorf("the error is %v, want %v", err, tc.err)
			}
			if _, err := os.Stat(log); (err == nil) != tc.kept {
				t.Errorf("the log: %v", err)
			}
			if strings.Contains(says.String(), filepath.Dir(log)) != tc.kept {
				t.Errorf("it says %q", says.String())
			}
		})
	}
}
