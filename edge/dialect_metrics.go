package edge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// dialectMetrics are the counters of all dialects.
type dialectMetrics struct {
	sessions *prometheus.GaugeVec
	states   *prometheus.GaugeVec
	messages *prometheus.CounterVec
	untold   *prometheus.CounterVec
	dropped  *prometheus.CounterVec
}

// dialectCounters are those of one.
type dialectCounters struct {
	sessions prometheus.Gauge
	stages   stageGauges
	messages prometheus.Counter
	untold   prometheus.Counter
	dropped  *prometheus.CounterVec // by reason
}

func newDialectMetrics(f promauto.Factory) dialectMetrics {
	return dialectMetrics{
		sessions: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "limegrove_edge_dialect_sessions", Help: "Established sessions of clients of a dialect, by dialect.",
		}, []string{"dialect"}),
		states: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "limegrove_edge_session_states", Help: "Connections by dialect and by how far their session is: opening, negotiating, authenticating, established, settling when told to go, or closing.",
		}, []string{"dialect", "state"}),
		messages: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_edge_dialect_messages_total", Help: "Messages of clients of a dialect, by dialect.",
		}, []string{"dialect"}),
		untold: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_edge_dialect_untold_total", Help: "Envelopes that a dialect has no frame for, by dialect.",
		}, []string{"dialect"}),
		dropped: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_edge_dialect_dropped_total", Help: "Messages of clients of a dialect that came to nothing, by dialect and reason.",
		}, []string{"dialect", "reason"}),
	}
}

// dialect returns the counters of one.
func (m *metrics) dialect(name string) dialectCounters {
	for _, why := range []string{dropDialect, string(dropQueueFull)} {
		m.dialects.dropped.WithLabelValues(name, why)
	}
	return dialectCounters{
		sessions: m.dialects.sessions.WithLabelValues(name),
		stages:   gauges(m.dialects.states, name),
		messages: m.dialects.messages.WithLabelValues(name),
		untold:   m.dialects.untold.WithLabelValues(name),
		dropped:  m.dialects.dropped.MustCurryWith(prometheus.Labels{"dialect": name}),
	}
}
