package status

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestRatesAreOfAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := prometheus.NewCounter(prometheus.CounterOpts{Name: "limegrove_edge_envelopes_total", ConstLabels: prometheus.Labels{"direction": "sent"}})
		registry := prometheus.NewRegistry()
		registry.MustRegister(sent)
		r := NewReporter(ReporterConfig{Incarnation: "e1-1", Gatherer: registry, State: func() State { return State{} }})
		passes := func(d time.Duration, n float64) {
			time.Sleep(d)
			sent.Add(n)
		}
		want := func(what string, rate float64) {
			t.Helper()
			if got := r.Report(t.Context(), question{}).Sent.Envelopes; math.Abs(got-rate) > 0.05*rate {
				t.Errorf("%s: %v a second", what, got)
			}
		}
		passes(0, 1000)
		r.sample()
		passes(2*time.Millisecond, 50)
		want("right after the first sample nothing is known", 0)
		passes(20*time.Second, 2000)
		r.sample()
		passes(2*time.Millisecond, 50)
		want("after a pause, right after a sample", 100)
		passes(20*time.Second, 0)
		r.sample()
		passes(2*time.Second, 80)
		want("after a pause, a while after a sample", 40)
		passes(time.Second, 10)
		want("since the last look", 10)
	})
}

func TestASpanHasOneSample(t *testing.T) {
	r := NewReporter(ReporterConfig{})
	for i := range samples + 5 {
		r.keep(Sample{At: int64(i), Sessions: 1})
		r.keep(Sample{At: int64(i), Sessions: 2})
	}
	if n := len(r.history); n != samples || r.history[0].At != 5 || r.history[n-1].Sessions != 2 {
		t.Errorf("of %d, from %+v to %+v", n, r.history[0], r.history[n-1])
	}
}
