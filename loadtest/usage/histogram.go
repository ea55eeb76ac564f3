package usage

import (
	"math"
	"time"
)

// Histogram is times that a process has counted, as Prometheus' histograms are: by bucket, the
// shortest first.
type Histogram []Bucket

// Bucket is how many times were at most so long.
type Bucket struct {
	Most  float64 // seconds; the last one's is infinite
	Count float64
}

// Add adds what another process has counted in the same buckets, or in the first place.
func (h *Histogram) Add(more Histogram) {
	if *h == nil {
		*h = append(*h, more...)
		return
	}
	for i := range min(len(*h), len(more)) {
		(*h)[i].Count += more[i].Count
	}
}

// Since is what was counted since then.
func (h Histogram) Since(before Histogram) Histogram {
	later := append(Histogram(nil), h...)
	for i := range min(len(later), len(before)) {
		later[i].Count -= before[i].Count
	}
	return later
}

// Count is how many there are.
func (h Histogram) Count() int {
	if len(h) == 0 {
		return 0
	}
	return int(h[len(h)-1].Count)
}

// longest is what a time is told as that is above all buckets.
const longest = 24 * time.Hour

// Quantile is a time that such a part of all is not above, as near as buckets can tell; 0 of none.
func (h Histogram) Quantile(q float64) time.Duration {
	rank := math.Ceil(q * float64(h.Count()))
	for _, b := range h {
		if b.Count >= rank && rank > 0 {
			return time.Duration(min(b.Most, longest.Seconds()) * float64(time.Second))
		}
	}
	return 0
}
