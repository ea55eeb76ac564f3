package webhook

import (
	"errors"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// result is how a question ended; also the metric's label.
type result string

const (
	resultGranted result = "granted"
	resultRefused result = "refused"
	resultCached  result = "cached" // granted, and not asked again
	resultBusy    result = "busy"   // too many are under way, or it says so
	resultOpen    result = "open"   // it has failed too often, and is left alone
	resultFailed  result = "failed" // no answer in time, or none that can be read
)

type stats struct {
	results *prometheus.CounterVec
	seconds prometheus.Histogram
	alone   *alone
}

// alone tells whether the webhook that is in use is left alone.
type alone struct {
	desc *prometheus.Desc
	of   atomic.Pointer[Webhook]
}

// Describe is that of prometheus.Collector.
func (a *alone) Describe(to chan<- *prometheus.Desc) { to <- a.desc }

// Collect is that of prometheus.Collector.
func (a *alone) Collect(to chan<- prometheus.Metric) {
	is := 0.0
	if w := a.of.Load(); w != nil && w.calls.LeftAlone() {
		is = 1
	}
	to <- prometheus.MustNewConstMetric(a.desc, prometheus.GaugeValue, is)
}

// newStats registers them, unless those of a webhook before are there: then it counts on in these.
func newStats(reg prometheus.Registerer) (*stats, error) {
	s := &stats{
		alone: &alone{desc: prometheus.NewDesc("limegrove_router_webhook_open", "1 while the webhook is left alone since it has failed too often.", nil, nil)},
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_router_webhook_total", Help: "Logins that the webhook was to decide about, by result.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "limegrove_router_webhook_seconds", Help: "Time that the webhook took to answer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 12),
		}),
	}
	for _, r := range []result{resultGranted, resultRefused, resultCached, resultBusy, resultOpen, resultFailed} {
		s.results.WithLabelValues(string(r))
	}
	if reg == nil {
		return s, nil
	}
	var err error
	if s.results, err = registered(reg, s.results); err != nil {
		return nil, err
	}
	if s.seconds, err = registered(reg, s.seconds); err != nil {
		return nil, err
	}
	if s.alone, err = registered(reg, s.alone); err != nil {
		return nil, err
	}
	return s, nil
}

// registered registers a collector, or returns the one that is there in its place.
func registered[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		if before, is := there.ExistingCollector.(C); is {
			return before, nil
		}
	}
	return c, err
}

func (s *stats) asked(r result) { s.results.WithLabelValues(string(r)).Inc() }
