package rooms

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// dropReason is why something published was not heard; it is the label of
// limegrove_rooms_dropped_total.
type dropReason string

const (
	dropQueueFull dropReason = "queue_full" // a session reads too slowly
	dropClosed    dropReason = "closed"     // its connection is closing
	dropOverload  dropReason = "overload"   // this edge cannot keep up with NATS
	dropBroker    dropReason = "broker"     // NATS did not take it
	dropMalformed dropReason = "malformed"  // it came on no subject of ours
)

var dropReasons = []dropReason{dropQueueFull, dropClosed, dropOverload, dropBroker, dropMalformed}

// metrics are the counters of one edge's rooms.
type metrics struct {
	*publisherMetrics
	rooms   prometheus.Gauge
	seats   prometheus.Gauge
	heard   prometheus.Counter
	dropped map[dropReason]prometheus.Counter
	untold  prometheus.Gauge
	gaps    prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		publisherMetrics: newPublisherMetrics(f),
		rooms: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_rooms", Help: "Rooms that sessions of this edge are in.",
		}),
		seats: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_rooms_seats", Help: "Places of this edge's sessions in rooms.",
		}),
		heard: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_rooms_heard_total", Help: "Copies of them handed to sessions of this edge.",
		}),
		dropped: map[dropReason]prometheus.Counter{},
		gaps: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_rooms_gaps_total", Help: "How often a session in a room that keeps its messages was told that it may have missed some.",
		}),
		untold: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_rooms_untold", Help: "Rooms of this edge of which the registry does not know who is there.",
		}),
	}
	for _, r := range dropReasons {
		m.dropped[r] = m.all.WithLabelValues(string(r))
	}
	return m
}

// publisherMetrics are the counters of who publishes.
type publisherMetrics struct {
	published prometheus.Counter
	refused   prometheus.Counter     // by the broker
	all       *prometheus.CounterVec // whatever was dropped
}

func newPublisherMetrics(f promauto.Factory) *publisherMetrics {
	all := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_rooms_dropped_total", Help: "What was published to rooms and dropped, by reason: copies, but for overload and broker.",
	}, []string{"reason"})
	return &publisherMetrics{
		published: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_rooms_published_total", Help: "Envelopes published to rooms by this process.",
		}),
		refused: all.WithLabelValues(string(dropBroker)), all: all,
	}
}

func (m *metrics) drop(r dropReason) { m.dropped[r].Inc() }
