package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// cause is why an event is a dead letter; it is the label of
// limegrove_webhook_dead_letters_total.
type cause string

const (
	faulty  cause = "refused" // the endpoint finds fault with it
	expired cause = "expired" // the endpoint was away for too long
)

var results = map[verdict]string{taken: "taken", refused: "refused", failed: "failed"}

type metrics struct {
	factory   promauto.Factory
	held      prometheus.Gauge
	delivered *prometheus.CounterVec
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	dead      *prometheus.CounterVec
	lost      *prometheus.CounterVec
	failing   *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	f, of := promauto.With(r), []string{"endpoint"}
	return &metrics{
		factory: f,
		held: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_webhook_partitions", Help: "Partitions whose events this router brings to endpoints.",
		}),
		delivered: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_webhook_events_total", Help: "Events that endpoints have taken.",
		}, of),
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_webhook_requests_total", Help: "Requests to endpoints, by result. What has failed is tried again.",
		}, []string{"endpoint", "result"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "limegrove_webhook_seconds", Help: "How long requests to endpoints took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, of),
		dead: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_webhook_dead_letters_total", Help: "Events that endpoints did not take, by reason.",
		}, []string{"endpoint", "reason"}),
		lost: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_webhook_lost_total", Help: "Events that were too old or too many to wait for an endpoint.",
		}, of),
		failing: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "limegrove_webhook_failing", Help: "1 while an endpoint fails and is tried now and then.",
		}, of),
	}
}

// counters are an endpoint's.
type counters struct {
	delivered, lost prometheus.Counter
	requests        *prometheus.CounterVec
	seconds         prometheus.Observer
	dead            map[cause]prometheus.Counter
	failing         prometheus.Gauge
}

func (m *metrics) of(e *endpoint) counters {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "limegrove_webhook_oldest_seconds",
		Help:        "For how long the oldest event has waited that an endpoint does not have, of this router's partitions.",
		ConstLabels: prometheus.Labels{"endpoint": e.Name},
	}, func() float64 { return e.age().Seconds() })
	c := counters{
		delivered: m.delivered.WithLabelValues(e.Name), lost: m.lost.WithLabelValues(e.Name), requests: m.requests,
		seconds: m.seconds.WithLabelValues(e.Name), dead: map[cause]prometheus.Counter{}, failing: m.failing.WithLabelValues(e.Name),
	}
	for _, r := range results {
		m.requests.WithLabelValues(e.Name, r)
	}
	for _, why := range []cause{faulty, expired} {
		c.dead[why] = m.dead.WithLabelValues(e.Name, string(why))
	}
	return c
}
