package backing

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"limegrove/internal/outcall"
)

// result is how a call about a client ended; also the metric's label.
type result string

const (
	resultAnswered result = "answered"
	resultBusy     result = "busy"   // too many are under way
	resultOpen     result = "open"   // it has failed too often, and is left alone
	resultFailed   result = "failed" // no answer in time

	resultUnreadable result = "unreadable" // it was answered, by what says nothing
)

// dropReason is why the API was not told something; also the metric's label.
type dropReason string

const (
	dropQueueFull dropReason = "queue_full" // it is too slow
	dropLeftAlone dropReason = "open"       // it has failed too often
	dropFailed    dropReason = "failed"     // it has not answered
)

type metrics struct {
	results map[result]prometheus.Counter
	seconds prometheus.Histogram
	told    prometheus.Counter
	dropped map[dropReason]prometheus.Counter
	waiting prometheus.Gauge
}

func newMetrics(r prometheus.Registerer, a *API) *metrics {
	f := promauto.With(r)
	m := &metrics{
		results: map[result]prometheus.Counter{}, dropped: map[dropReason]prometheus.Counter{},
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "limegrove_backing_seconds", Help: "Time that the backing API took to answer about a client.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		told: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_backing_notifications_total", Help: "Calls by which the backing API was told of a client.",
		}),
		waiting: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_backing_waiting", Help: "What the backing API is yet to be told of clients.",
		}),
	}
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_backing_open", Help: "1 while the backing API is not asked since it has failed too often.",
	}, func() float64 {
		if a.asked.LeftAlone() {
			return 1
		}
		return 0
	})
	results := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_backing_calls_total", Help: "Questions to the backing API about clients, by result.",
	}, []string{"result"})
	for _, r := range []result{resultAnswered, resultBusy, resultOpen, resultFailed, resultUnreadable} {
		m.results[r] = results.WithLabelValues(string(r))
	}
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_backing_dropped_total", Help: "What the backing API was not told of clients, by reason.",
	}, []string{"reason"})
	for _, r := range []dropReason{dropQueueFull, dropLeftAlone, dropFailed} {
		m.dropped[r] = dropped.WithLabelValues(string(r))
	}
	return m
}

// asked counts a question that has ended with err.
func (m *metrics) asked(err error) {
	switch {
	case err == nil:
		m.results[resultAnswered].Inc()
	case errors.Is(err, outcall.ErrBusy):
		m.results[resultBusy].Inc()
	case errors.Is(err, outcall.ErrLeftAlone):
		m.results[resultOpen].Inc()
	default:
		m.results[resultFailed].Inc()
	}
}

func (m *metrics) drop(r dropReason) { m.dropped[r].Inc() }
