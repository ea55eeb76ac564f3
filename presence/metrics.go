package presence

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	reg prometheus.Registerer // nil when none are registered

	commands  prometheus.Counter
	batch     prometheus.Histogram
	seconds   prometheus.Histogram
	failures  prometheus.Counter
	waiting   prometheus.Collector
	lease     *leaseAge
	unknown   prometheus.Counter
	lost      prometheus.Counter
	swept     prometheus.Counter
	malformed prometheus.Counter
	badFloors prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, waiting func() int) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		reg:      reg,
		commands: counter("limegrove_presence_commands_total", "Commands sent to Redis in pipelines."),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "limegrove_presence_pipeline_commands",
			Help:    "Commands in one pipeline.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 6),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "limegrove_presence_pipeline_seconds",
			Help:    "Time from sending a pipeline to its last answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		failures: counter("limegrove_presence_failures_total", "Commands that Redis did not answer, or that could not be sent."),
		lease: &leaseAge{desc: prometheus.NewDesc("limegrove_presence_lease_age_seconds",
			"For how long this edge has not renewed its lease. Only of edges.", nil, nil)},
		waiting: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "limegrove_presence_waiting", Help: "Commands that wait to be sent to Redis.",
		}, func() float64 { return float64(waiting()) }),
		unknown:   counter("limegrove_presence_unknown_scripts_total", "Commands sent again since Redis did not know their script."),
		lost:      counter("limegrove_presence_leases_lost_total", "Times that the lease or a witness was missing and was made, the first included."),
		swept:     counter("limegrove_presence_swept_registrations_total", "Registrations of dead edges removed."),
		malformed: counter("limegrove_presence_malformed_registrations_total", "Registrations left out since they could not be read."),
		badFloors: counter("limegrove_presence_malformed_floors_total", "Floors left out since they could not be read."),
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
	return []prometheus.Collector{m.commands, m.batch, m.seconds, m.failures, m.waiting, m.lease, m.unknown, m.lost, m.swept, m.malformed, m.badFloors}
}

func (m *metrics) close() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all() {
		m.reg.Unregister(c)
	}
}

func (m *metrics) observe(calls []*call, took time.Duration) {
	if len(calls) == 0 {
		return
	}
	for _, c := range calls {
		if !answered(c.cmd.Err()) {
			m.failures.Inc()
		}
	}
	m.commands.Add(float64(len(calls)))
	m.batch.Observe(float64(len(calls)))
	m.seconds.Observe(took.Seconds())
}

// leaseAge tells how old a lease is, when there is one.
type leaseAge struct {
	desc    *prometheus.Desc
	renewed atomic.Int64 // nanoseconds of Unix time; 0 without a lease
}

// begins notes that there is to be a lease.
func (l *leaseAge) begins() { l.renewed.CompareAndSwap(0, time.Now().UnixNano()) }

// renews notes that it was renewed, and ends that it was given back.
func (l *leaseAge) renews() { l.renewed.Store(time.Now().UnixNano()) }
func (l *leaseAge) ends()   { l.renewed.Store(0) }

// Describe makes leaseAge a prometheus.Collector.
func (l *leaseAge) Describe(ch chan<- *prometheus.Desc) { ch <- l.desc }

// Collect makes leaseAge a prometheus.Collector.
func (l *leaseAge) Collect(ch chan<- prometheus.Metric) {
	if at := l.renewed.Load(); at != 0 {
		ch <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, time.Since(time.Unix(0, at)).Seconds())
	}
}
