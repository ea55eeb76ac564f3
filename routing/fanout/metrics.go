package fanout

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// dropReason is why a message for a group, or copies of it, were dropped; it is the label
// of limegrove_group_dropped_total.
type dropReason string

const (
	dropMalformed  dropReason = "malformed"   // a message: it is no envelope, or its subject no group's
	dropGone       dropReason = "gone"        // a message: the group was deleted meanwhile
	dropGivenUp    dropReason = "given_up"    // a copy: the log has not taken it for as long as it is tried
	dropRefused    dropReason = "refused"     // a copy: no log takes it
	dropPermission dropReason = "permission"  // a message without an id: its sender may not send
	dropBusy       dropReason = "busy"        // a message without an id: too many of its group wait
	dropEnded      dropReason = "ended"       // a message without an id: the router has lost the partition before its turn
	dropBroker     dropReason = "broker"      // a copy of one without an id: NATS did not take it
	dropUnknown    dropReason = "unknown"     // a message without an id: nobody could tell who is in the group
	dropUntold     dropReason = "untold_news" // news for a sender
)

var dropReasons = []dropReason{
	dropMalformed, dropGone, dropGivenUp, dropRefused, dropPermission, dropBusy, dropEnded, dropBroker, dropUnknown, dropUntold,
}

type metrics struct {
	stored, transient             prometheus.Counter // messages
	storedCopies, transientCopies prometheus.Counter
	dropped                       map[dropReason]prometheus.Counter
	repeated                      prometheus.Counter
	rosters                       prometheus.Counter
	seconds                       prometheus.Histogram
	held, waiting                 prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	messages := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_group_messages_total", Help: "Messages for groups that were fanned out, by kind: stored or transient.",
	}, []string{"kind"})
	copies := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_group_copies_total", Help: "Copies of them for members, by kind: stored or transient.",
	}, []string{"kind"})
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_group_dropped_total", Help: "Messages for groups, and copies of them, that were dropped, by reason.",
	}, []string{"reason"})
	m := &metrics{
		stored: messages.WithLabelValues("stored"), transient: messages.WithLabelValues("transient"),
		storedCopies: copies.WithLabelValues("stored"), transientCopies: copies.WithLabelValues("transient"),
		dropped: map[dropReason]prometheus.Counter{},
		repeated: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_group_repeated_total", Help: "Times that copies were tried again because a log did not take them.",
		}),
		rosters: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_group_rosters_total", Help: "Times that the members of a group were read, because they had changed or were not remembered.",
		}),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "limegrove_group_fanout_seconds",
			Help:    "How long it took from when a message was read until all its copies were stored.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600},
		}),
		held: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_group_partitions", Help: "Partitions whose groups this router works for.",
		}),
		waiting: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_group_waiting", Help: "Stored messages for groups that this router has seen and not yet fanned out, whether it keeps them or has left them in the stream.",
		}),
	}
	for _, r := range dropReasons {
		m.dropped[r] = dropped.WithLabelValues(string(r))
	}
	return m
}

func (m *metrics) drop(why dropReason) { m.dropped[why].Inc() }
