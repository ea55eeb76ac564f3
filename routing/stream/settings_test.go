package stream

import (
	"testing"
	"time"
)

func TestFirstSequence(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	at := uint64(now.UnixMicro())
	for _, c := range []struct {
		why        string
		now        time.Time
		last, want uint64
	}{
		{"it is the time", now, 0, at},
		{"above small sequences", now, 4711, at},
		{"above those of before", now, at - 1, at},
		{"a clock that was set back is no reason to give sequences again", now, at, at + 60_000_000},
		{"nor is one that was set back far", now, 2 * at, 2*at + 60_000_000},
		{"a clock that was never set gives some", time.Unix(0, 0), 0, 1},
		{"nor is one of before 1970 taken for the far future", time.Time{}, 0, 1},
		{"exact as a float for long", time.Date(2250, 1, 1, 0, 0, 0, 0, time.UTC), 0, 8835955200000000},
	} {
		if got := firstSequence(c.now, c.last); got != c.want {
			t.Errorf("%s: %d, want %d", c.why, got, c.want)
		}
		if got := firstSequence(c.now, 0); uint64(float64(got)) != got {
			t.Errorf("%s: %d is not exact", c.why, got)
		}
	}
}
