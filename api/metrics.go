package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	underWay prometheus.Gauge
	lost     prometheus.Counter
}

func newMetrics(to prometheus.Registerer) *metrics {
	f := promauto.With(to)
	return &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_api_requests_total", Help: "Requests to the HTTP API, and operations of batches, by operation and class of status.",
		}, []string{"operation", "class"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "limegrove_api_seconds", Help: "What requests to the HTTP API took, what they have waited for included, by operation.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"operation"}),
		underWay: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_api_requests", Help: "Requests to the HTTP API that are being worked on.",
		}),
		lost: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_api_answers_lost_total", Help: "Answers that were to be kept for their Idempotency-Key and could not be.",
		}),
	}
}

// answered counts a request.
func (m *metrics) answered(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status/100)+"xx").Inc()
	m.seconds.WithLabelValues(operation).Observe(took.Seconds())
}
