package sweep

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	held      prometheus.Gauge
	looked    prometheus.Counter
	moved     prometheus.Counter
	failures  prometheus.Counter
	age       *prometheus.GaugeVec // by partition
	givenBack map[cause]prometheus.Counter
	untold    prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		held: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_sweep_partitions", Help: "Partitions of the log that this router sweeps.",
		}),
		looked: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_sweep_messages_total", Help: "Messages in the log that the sweep has come by.",
		}),
		moved: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_sweep_moved_total", Help: "Messages that were not acknowledged by then and moved to an inbox.",
		}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_sweep_failures_total", Help: "Steps of the sweep that have to be done again.",
		}),
		age: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "limegrove_sweep_age_seconds",
			Help: "For how long the sweep has been late for the oldest message that it has not come by, by partition. Only of partitions that this router sweeps.",
		}, []string{"partition"}),
		givenBack: map[cause]prometheus.Counter{},
		untold: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_sweep_untold_total", Help: "Messages given back whose senders' log did not take the news, so that only senders who were there heard it.",
		}),
	}
	givenBack := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_sweep_given_back_total", Help: "Messages that wait no longer and whose senders are told so, by reason.",
	}, []string{"reason"})
	for _, c := range causes {
		m.givenBack[c] = givenBack.WithLabelValues(string(c))
	}
	return m
}
