package tally

import (
	"testing"

	"pgregory.net/rapid"
)

// TestStreamTellsWhatHasBecomeOfEachMessage holds it against a list of all that came.
func TestStreamTellsWhatHasBecomeOfEachMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const sent = 12
		var s Stream
		missing := Missing{}
		seen, newest := map[uint32]bool{}, -1
		for _, k := range rapid.SliceOf(rapid.Uint32Range(0, sent+1)).Draw(t, "numbers that come") {
			want := InOrder
			switch {
			case k >= sent:
				want = Unknown
			case seen[k]:
				want = Twice
			case int(k) < newest:
				want = Reordered
			}
			if got := s.Take(missing, 7, k, sent); got != want {
				t.Fatalf("%d is %d, not %d", k, got, want)
			}
			if k < sent {
				seen[k], newest = true, max(newest, int(k))
			}
		}
		if lost := len(missing) + int(s.Behind(sent)); lost != sent-len(seen) {
			t.Fatalf("%d are lost, not %d", lost, sent-len(seen))
		}
	})
}

func TestStreamsShareWhatIsMissing(t *testing.T) {
	var a, b Stream
	missing := Missing{}
	a.Take(missing, 1, 1, 2)
	b.Take(missing, 2, 1, 2)
	if got := a.Take(missing, 1, 0, 2); got != Reordered {
		t.Errorf("what a has missed comes as %d", got)
	}
	if len(missing) != 1 {
		t.Errorf("%d are missing, not b's alone", len(missing))
	}
}
