package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"limegrove/internal/command"
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
		{"-scenario loginstorm -receipts none", "-receipts"},
		{"-rate 100,many", "-rate"},
		{"-duration 10s", "-warmup"},
		{"-duration 15s -warmup 15s", "-warmup"},
		{"-scenario group -warmup 40s", "-warmup"},
		{"-scenario group -rate -1", "-rate"},
		{"-scenario group -members 1", "-members"},
		{"-scenario group -groups 0", "-groups"},
		{"-duration -1s", "-duration"},
		{"-warmup -1s", "-warmup"},
		{"-brokers 2", "-brokers"},
		{"-edges 0", "-edges"},
		{"-processors -1", "-processors"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			if status, says := begin(t, tc.args); status != command.Usage || !strings.Contains(says, tc.says) {
				t.Errorf("status %d, want %d, with %q in:\n%s", status, command.Usage, tc.says, says)
			}
		})
	}
}

func TestGoodCommandLineIsTaken(t *testing.T) {
	for _, args := range []string{
		"", "-duration 16s", "-receipts received -rate 1 -brokers 3",
		"-scenario loginstorm -duration 10s", "-scenario backlog -duration 1s",
		"-scenario group -groups 1 -members 5000 -rate 1",
	} {
		t.Run(args, func(t *testing.T) {
			if status, says := begin(t, args); status != command.Bad {
				t.Errorf("status %d, want %d:\n%s", status, command.Bad, says)
			}
		})
	}
	if status, says := begin(t, "-h"); status != command.Good || !strings.Contains(says, "-scenario") {
		t.Errorf("with -h the status is %d:\n%s", status, says)
	}
}
