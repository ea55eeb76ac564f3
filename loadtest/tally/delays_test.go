package tally

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestDelaysAreWhatASortedListSays: within the thousandth that they promise, added up and
// through JSON.
func TestDelaysAreWhatASortedListSays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var sum Delays
	for range 3 {
		var part Delays
		for range 5000 {
			d := time.Duration(random.ExpFloat64() * float64(20*time.Millisecond)).Truncate(time.Microsecond)
			d = max(d, time.Microsecond)
			all = append(all, d)
			part.Note(d)
		}
		text, err := json.Marshal(&part)
		if err != nil {
			t.Fatal(err)
		}
		var back Delays
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		sum.Add(&back)
	}
	slices.Sort(all)
	if sum.Count() != int64(len(all)) {
		t.Errorf("there are %d of %d", sum.Count(), len(all))
	}
	for _, share := range []float64{0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(int(share*float64(len(all)))-1, 0)]
		if got := sum.At(share); (got - want).Abs() > want/500+2*time.Microsecond {
			t.Errorf("of %g it says %s, not %s", share, got, want)
		}
	}
}

func TestDelaysBeyondTheRangeAreItsEnds(t *testing.T) {
	var d Delays
	d.Note(-time.Second)
	d.Note(48 * time.Hour)
	if d.Count() != 2 || d.At(0.5) > 2*time.Microsecond || d.Max() < 59*time.Minute {
		t.Errorf("they are %s", &d)
	}
}

func TestNoDelaysAreNothing(t *testing.T) {
	var d, other Delays
	d.Add(&other)
	text, err := json.Marshal(&d)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil || d.Count() != 0 || d.Max() != 0 {
		t.Errorf("they are %s, %v", &d, err)
	}
}
