package tracing

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// dropReason is why a span was dropped; the label of limegrove_tracing_dropped_total.
type dropReason string

const (
	dropQueueFull dropReason = "queue_full" // too many wait to be exported
	dropExport    dropReason = "export"     // whoever collects them did not take them
)

type metrics struct {
	spans    [steps]prometheus.Counter
	overRate map[Step]prometheus.Counter
	dropped  map[dropReason]prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	with := promauto.With(r)
	m := &metrics{overRate: map[Step]prometheus.Counter{}, dropped: map[dropReason]prometheus.Counter{}}
	spans := with.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_tracing_spans_total", Help: "Spans made of traced envelopes, by step of their way.",
	}, []string{"step"})
	for s := range steps {
		m.spans[s] = spans.WithLabelValues(s.String())
	}
	over := with.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_tracing_over_rate_total", Help: "Envelopes of recorded traces that were carried without a span, because there were more a second than allowed, by step.",
	}, []string{"step"})
	for _, s := range []Step{StepReceive, StepDeliver} {
		m.overRate[s] = over.WithLabelValues(s.String())
	}
	dropped := with.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_tracing_dropped_total", Help: "Spans that nobody gets to see, by reason.",
	}, []string{"reason"})
	for _, why := range []dropReason{dropQueueFull, dropExport} {
		m.dropped[why] = dropped.WithLabelValues(string(why))
	}
	return m
}

func (m *metrics) drop(why dropReason, n int) { m.dropped[why].Add(float64(n)) }
