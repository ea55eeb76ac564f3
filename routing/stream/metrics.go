package stream

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// result is how something ended; also the metric's label.
type result string

const (
	resultOK          result = "ok"
	resultFull        result = "full"        // ErrFull
	resultRefused     result = "refused"     // ErrRefused
	resultDuplicate   result = "duplicate"   // it was there already
	resultUnavailable result = "unavailable" // ErrUnavailable
	resultError       result = "error"
)

func resultOf(err error) result {
	switch {
	case err == nil:
		return resultOK
	case errors.Is(err, ErrFull):
		return resultFull
	case errors.Is(err, ErrRefused):
		return resultRefused
	case errors.Is(err, ErrUnavailable):
		return resultUnavailable
	}
	return resultError
}

type metrics struct {
	reads   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	behind  prometheus.Counter
	copies  *prometheus.CounterVec
	deletes *prometheus.CounterVec
	purged  prometheus.Counter
	remade  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, partitions int, sides []side) (*metrics, error) {
	m := &metrics{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_stream_reads_total",
			Help: "Reads of the log and the inbox, by what was read and how it ended.",
		}, []string{"what", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "limegrove_stream_read_seconds",
			Help:    "How long reads of the log and the inbox took, by what was read.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"what"}),
		behind: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_stream_behind_total",
			Help: "Answers that were asked for again because the replica was behind another.",
		}),
		copies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_stream_copies_total",
			Help: "Messages copied from the log to the inbox, by how it ended.",
		}, []string{"result"}),
		deletes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_stream_deletes_total",
			Help: "Messages deleted from inboxes and from those of groups, by how it ended.",
		}, []string{"result"}),
		purged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_stream_purged_total",
			Help: "Messages purged from the heads of logs.",
		}),
		remade: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_stream_remade_total",
			Help: "Streams of partitions that were gone, with all that was stored there, and that this process has found made anew, or made anew itself.",
		}, []string{"stream"}),
	}
	for _, r := range []result{resultOK, resultFull, resultRefused, resultDuplicate, resultUnavailable, resultError} {
		m.copies.WithLabelValues(string(r))
	}
	for _, r := range []result{resultOK, resultUnavailable, resultError} {
		m.deletes.WithLabelValues(string(r))
		for _, what := range []string{"log_page", "inbox_page", "log_last", "inbox_last", "log_walk"} {
			m.reads.WithLabelValues(what, string(r))
		}
	}
	for _, of := range sides {
		m.remade.WithLabelValues(of.what())
	}
	if reg == nil {
		return m, nil
	}
	count := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "limegrove_stream_partitions", Help: "Partitions of the cluster.",
	})
	count.Set(float64(partitions))
	for _, c := range []prometheus.Collector{count, m.reads, m.seconds, m.behind, m.copies, m.deletes, m.purged, m.remade} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// read counts a read that began at start.
func (m *metrics) read(what string, start time.Time, err error) {
	m.reads.WithLabelValues(what, string(resultOf(err))).Inc()
	m.seconds.WithLabelValues(what).Observe(time.Since(start).Seconds())
}
