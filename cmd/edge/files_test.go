package main

import (
	"math"
	"testing"
)

func TestSessionsLeaveFilesForTheRest(t *testing.T) {
	for files, want := range map[uint64]int{
		0: 1, 64: 1, 128: 1, 129: 1, 256: 128, 1024: 896, 4096: 3584,
		65536: 61440, 1 << 20: 1<<20 - 4096, math.MaxUint64: math.MaxInt32,
	} {
		if got := sessionsWithin(files); got != want {
			t.Errorf("of %d files %d are for sessions, not %d", files, got, want)
		}
	}
}

func TestMaxSessionsAreThoseThatAreGiven(t *testing.T) {
	if n, err := maxSessions(7); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := maxSessions(0); n < 1 || err != nil {
		t.Errorf("what the system leaves: %d, %v", n, err)
	}
}
