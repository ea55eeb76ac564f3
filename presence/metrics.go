package presence

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	reg prometheus.Registerer // nil when none are registered

	commands  prometheus.Counter
	batch     prometheus.Histogram
	seconds   prometheus.Histogram
	unknown   prometheus.Counter
	lost      prometheus.Counter
	swept     prometheus.Counter
	malformed prometheus.Counter
	badFloors prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "limegrove_presence_" + name, Help: help})
	}
	m := &metrics{
		reg:      reg,
		commands: counter("commands_total", "Commands sent to Redis in pipelines."),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "limegrove_presence_pipeline_commands",
			Help:    "Commands in one pipeline.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 6),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "limegrove_presence_pipeline_seconds",
			Help:    "Time from sending a pipeline to its last answer.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}),
		unknown:   counter("unknown_scripts_total", "Commands sent again since Redis did not know their script."),
		lost:      counter("leases_lost_total", "Times that the lease or a witness was missing and was made, the first included."),
		swept:     counter("swept_registrations_total", "Registrations of dead edges removed."),
		malformed: counter("malformed_registrations_total", "Registrations left out since they could not be read."),
		badFloors: counter("malformed_floors_total", "Floors left out since they could not be read."),
	}
	if reg == nil {
		return m, nil
	}
	for i, c := range m.all() {
		if err := reg.Register(c); err != nil {
			for _, c := range m.all()[:i] {
				reg.Unregister(c)
			}
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.commands, m.batch, m.seconds, m.unknown, m.lost, m.swept, m.malformed, m.badFloors}
}

func (m *metrics) close() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all() {
		m.reg.Unregister(c)
	}
}

func (m *metrics) observe(commands int, took time.Duration) {
	if commands == 0 {
		return
	}
	m.commands.Add(float64(commands))
	m.batch.Observe(float64(commands))
	m.seconds.Observe(took.Seconds())
}
