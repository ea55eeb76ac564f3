package usage

import (
	"math"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	before := Histogram{{0.001, 1}, {0.002, 1}, {math.Inf(1), 1}}
	var h Histogram
	h.Add(Histogram{{0.001, 50}, {0.002, 60}, {math.Inf(1), 60}})
	h.Add(Histogram{{0.001, 41}, {0.002, 41}, {math.Inf(1), 41}})
	h = h.Since(before)
	if h.Count() != 100 {
		t.Errorf("%d are counted", h.Count())
	}
	for q, want := range map[float64]time.Duration{0.5: time.Millisecond, 0.9: time.Millisecond, 0.91: 2 * time.Millisecond, 1: 2 * time.Millisecond} {
		if got := h.Quantile(q); got != want {
			t.Errorf("%g are below %v, not %v", q, got, want)
		}
	}
	if none := (Histogram{{0.001, 0}, {math.Inf(1), 0}}); none.Quantile(0.99) != 0 || Histogram(nil).Quantile(1) != 0 {
		t.Error("of none there is a quantile")
	}
	if beyond := (Histogram{{0.001, 0}, {math.Inf(1), 1}}); beyond.Quantile(1) < time.Hour {
		t.Errorf("what is longer than all buckets is told as %v", beyond.Quantile(1))
	}
}
