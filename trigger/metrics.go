package trigger

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// dropReason is why a trigger was not published; also the metric's label.
type dropReason string

const (
	dropMalformed dropReason = "malformed"
	dropBroker    dropReason = "broker"   // NATS did not take it
	dropOverload  dropReason = "overload" // more came on the subject than was taken in time
)

type metrics struct {
	taken     map[Source]prometheus.Counter
	dropped   map[dropReason]prometheus.Counter
	connected prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		taken: map[Source]prometheus.Counter{}, dropped: map[dropReason]prometheus.Counter{},
		connected: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_trigger_queue_connected", Help: "1 while triggers come from the message queue.",
		}),
	}
	taken := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_trigger_taken_total", Help: "Triggers taken by this process, by source: http, amqp or nats.",
	}, []string{"source"})
	for _, s := range []Source{FromHTTP, FromQueue, FromSubject} {
		m.taken[s] = taken.WithLabelValues(string(s))
	}
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_trigger_dropped_total", Help: "Triggers of which all or a part was not published, by reason.",
	}, []string{"reason"})
	for _, r := range []dropReason{dropMalformed, dropBroker, dropOverload} {
		m.dropped[r] = dropped.WithLabelValues(string(r))
	}
	return m
}

func (m *metrics) drop(malformed bool) {
	if malformed {
		m.dropped[dropMalformed].Inc()
	} else {
		m.dropped[dropBroker].Inc()
	}
}
