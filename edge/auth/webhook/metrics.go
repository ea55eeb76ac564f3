package webhook

import "github.com/prometheus/client_golang/prometheus"

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
}

func newStats(reg prometheus.Registerer, w *Webhook) (*stats, error) {
	s := &stats{
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
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_router_webhook_open", Help: "1 while the webhook is left alone since it has failed too often.",
	}, func() float64 {
		if w.calls.LeftAlone() {
			return 1
		}
		return 0
	})
	for _, c := range []prometheus.Collector{s.results, s.seconds, open} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *stats) asked(r result) { s.results.WithLabelValues(string(r)).Inc() }
