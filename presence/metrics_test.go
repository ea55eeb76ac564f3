package presence_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/redistest"
	"limegrove/presence"
)

// shown is the sum of a metric, and whether there is one.
func shown(t *testing.T, of prometheus.Gatherer, name string) (sum float64, there bool) {
	t.Helper()
	families, err := of.Gather()
	check(t, err)
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
			return sum, len(f.GetMetric()) > 0
		}
	}
	return 0, false
}

// TestRedisThatIsAwayShows: commands fail, and the lease gets old; and neither when it is back.
func TestRedisThatIsAwayShows(t *testing.T) {
	server, metrics := redistest.Start(t), prometheus.NewRegistry()
	s, err := presence.Open(presence.Config{
		URL: server.URL(), Timeout: 200 * time.Millisecond, LeaseTTL: 20 * time.Second, LeaseEvery: 50 * time.Millisecond, Metrics: metrics,
	})
	check(t, err)
	if _, is := shown(t, metrics, "limegrove_presence_lease_age_seconds"); is {
		t.Error("a lease that nobody has is old")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.KeepLease(ctx, presence.Lease{Edge: "e1"}, func(context.Context) {}) }()
	t.Cleanup(func() {
		cancel()
		check(t, <-done)
		if _, is := shown(t, metrics, "limegrove_presence_lease_age_seconds"); is {
			t.Error("a lease that was given back is old")
		}
		check(t, s.Close())
	})
	age := func() float64 {
		n, is := shown(t, metrics, "limegrove_presence_lease_age_seconds")
		if !is {
			return -1
		}
		return n
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		for late := time.After(30 * time.Second); !holds(); {
			select {
			case <-late:
				t.Fatalf("%s: not within 30 s", what)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	until("the lease is renewed", func() bool { return age() >= 0 && age() < 0.5 })
	if n, _ := shown(t, metrics, "limegrove_presence_failures_total"); n != 0 {
		t.Errorf("%v commands have failed", n)
	}
	server.Stop()
	until("it is not", func() bool { return age() > 1 })
	until("commands fail", func() bool {
		_, err := s.View(t.Context(), session(1).Node.Identity)
		n, _ := shown(t, metrics, "limegrove_presence_failures_total")
		return err != nil && n > 1
	})
	server.Start()
	until("it is again", func() bool { return age() < 0.5 })
}
