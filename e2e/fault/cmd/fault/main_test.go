package main

import (
	"context"
	"strings"
	"testing"

	"limegrove/internal/command"
)

// TestBadCommandLineIsRefused before anything is built: the context of all work is done,
// with which a run that was begun has another status.
func TestBadCommandLineIsRefused(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct{ args, says string }{
		{"-kinds flood", "-kinds"},
		{"-nope", "-nope"},
		{"7m", "7m"},
		{"-seed 7 now", "now"},
		{"-duration 5s", "5s"},
		{"-duration -5m", "duration"},
		{"-rate -1", "rate"},
		{"-rate NaN", "rate"},
		{"-rolling -1", "restarts"},
		{"-kinds cut -loopback", "no fault"},
		{"-faults 1000h", "no fault"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var out strings.Builder
			if status := run(done, strings.Fields(tc.args), &out, &out); status != command.Usage || !strings.Contains(out.String(), tc.says) {
				t.Errorf("status %d, want %d, with %q in:\n%s", status, command.Usage, tc.says, out.String())
			}
		})
	}
}

func TestRunThatIsNotBegunIsNotGood(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	t.Setenv("TMPDIR", t.TempDir())
	for _, args := range []string{"-loopback", "-rolling 1 -kinds cut -loopback"} {
		var out strings.Builder
		if status := run(done, strings.Fields(args), &out, &out); status != command.Bad {
			t.Errorf("%s: status %d, and it says:\n%s", args, status, out.String())
		}
	}
}
