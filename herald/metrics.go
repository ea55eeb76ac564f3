package herald

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	events, refused, dropped, failures       prometheus.Counter
	pushes, corrections, briefings, observes prometheus.Counter
	seconds                                  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, waiting func() float64) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_herald_waiting", Help: "Identities whose presence waits to be told.",
	}, waiting)
	return &metrics{
		events:      counter("limegrove_herald_events_total", "Events that say that an identity's presence may have changed."),
		refused:     counter("limegrove_herald_refused_total", "Events refused because too many identities wait, or the router ends."),
		dropped:     counter("limegrove_herald_dropped_total", "Sessions or contacts that were not told since their identity had too many at once."),
		failures:    counter("limegrove_herald_failures_total", "Tries to tell of an identity that have failed, and were made again."),
		pushes:      counter("limegrove_herald_pushes_total", "Changes of presence told to contacts and subscribers."),
		corrections: counter("limegrove_herald_corrections_total", "Changes told once more, since there was another meanwhile."),
		briefings:   counter("limegrove_herald_briefings_total", "Sessions that were told of others when they began."),
		observes:    counter("limegrove_herald_observes_total", "Envelopes published for that."),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "limegrove_herald_seconds", Help: "Time from an identity's first event until all was told, the debounce included.",
			Buckets: prometheus.ExponentialBuckets(0.1, 2, 10),
		}),
	}
}
