package events

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// dropReason is why an event is not told; it is the label of limegrove_events_dropped_total.
type dropReason string

const (
	dropFull      dropReason = "full"      // too many wait to be stored
	dropShare     dropReason = "share"     // too many of the same identity wait
	dropRefused   dropReason = "refused"   // no stream takes it, for its length
	dropMalformed dropReason = "malformed" // its address or its envelope is none
	dropEnded     dropReason = "ended"     // the process has ended before it was stored
)

var dropReasons = []dropReason{dropFull, dropShare, dropRefused, dropMalformed, dropEnded}

type publisherMetrics struct {
	published *prometheus.CounterVec // by type
	dropped   map[dropReason]prometheus.Counter
	retries   prometheus.Counter
}

func newPublisherMetrics(r prometheus.Registerer, p *Publisher) *publisherMetrics {
	f := promauto.With(r)
	m := &publisherMetrics{
		published: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_events_published_total", Help: "Events stored for endpoints, by type.",
		}, []string{"type"}),
		dropped: map[dropReason]prometheus.Counter{},
		retries: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_events_retries_total", Help: "Lots of events that have to be stored again.",
		}),
	}
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_events_dropped_total", Help: "Events that endpoints will never get, by reason.",
	}, []string{"reason"})
	for _, why := range dropReasons {
		m.dropped[why] = dropped.WithLabelValues(string(why))
	}
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_events_waiting_bytes", Help: "What events cost that wait here to be stored.",
	}, func() float64 { return float64(p.bytes.Load()) })
	return m
}

func (m *publisherMetrics) drop(why dropReason) { m.dropped[why].Inc() }
