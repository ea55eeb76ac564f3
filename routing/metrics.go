package routing

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are the counters of one edge's routing. Their children are looked up
// once, since they are counted on the way of every envelope.
type metrics struct {
	published  prometheus.Counter
	delivered  prometheus.Counter
	short      prometheus.Counter
	unanswered prometheus.Counter
	rereads    prometheus.Counter
	hubs       prometheus.Gauge
	backlog    prometheus.Gauge
	dropped    map[dropReason]prometheus.Counter

	deaf            *prometheus.CounterVec
	delegationReads *prometheus.CounterVec

	stored       prometheus.Counter
	storeTime    prometheus.Histogram
	restored     prometheus.Counter
	acknowledged prometheus.Counter
	gaps         prometheus.Counter
	pages        prometheus.Counter
	removed      prometheus.Counter
	unsettled    prometheus.Counter
	silence      *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		published: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_published_total", Help: "Envelopes published to NATS for this edge's sessions.",
		}),
		delivered: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_delivered_total", Help: "Envelopes handed to sessions of this edge.",
		}),
		short: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_short_cuts_total", Help: "Envelopes handed out on the edge of their sender without the broker, since all sessions of their recipient are there.",
		}),
		unanswered: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_late_replies_total", Help: "Replies about envelopes that were forgotten, or told of by another edge before.",
		}),
		rereads: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_view_reads_total", Help: "Views read again from Redis after a gap in their events.",
		}),
		deaf: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_routing_deaf_total", Help: "Sessions that were refused or ended because the broker refuses their subscription, by its reason.",
		}, []string{"reason"}),
		hubs: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_routing_hubs", Help: "Identities that have sessions on this edge.",
		}),
		backlog: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_routing_registrations_pending", Help: "Registrations that Redis has yet to be told of.",
		}),
		stored: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_stored_total", Help: "Envelopes of this edge's sessions that the log has taken.",
		}),
		storeTime: f.NewHistogram(prometheus.HistogramOpts{
			Name: "limegrove_routing_store_seconds", Help: "Time from a message's arrival to its place in the log.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
		restored: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_store_retries_total", Help: "Times that the log did not take what was published, so that it was published again from there on.",
		}),
		acknowledged: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_acknowledged_total", Help: "Stored messages that sessions of this edge have acknowledged.",
		}),
		gaps: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_gaps_total", Help: "Times that a copy showed that one before it had not come.",
		}),
		pages: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_pages_total", Help: "Pages of stored messages read for sessions that were behind.",
		}),
		removed: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_inbox_removed_total", Help: "Acknowledged messages removed from inboxes.",
		}),
		unsettled: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_handovers_unanswered_total", Help: "Sessions that replaced one of another edge, which did not answer: what that one has acknowledged may come again.",
		}),
		silence: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "limegrove_routing_partition_silent", Help: "1 while the log or the inbox of a partition does not answer this edge's reads, so that its sessions wait.",
		}, []string{"partition"}),
		dropped: map[dropReason]prometheus.Counter{},
	}
	m.delegationReads = f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_routing_delegation_reads_total", Help: "Reads of what an identity was given by others, by result: read or error.",
	}, []string{"result"})
	for _, result := range []string{"read", "error"} {
		m.delegationReads.WithLabelValues(result)
	}
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_routing_dropped_total", Help: "Envelopes dropped, by reason.",
	}, []string{"reason"})
	for _, r := range dropReasons {
		m.dropped[r] = dropped.WithLabelValues(string(r))
	}
	return m
}

// silent is the gauge of a partition.
func (m *metrics) silent(partition int) prometheus.Gauge {
	return m.silence.WithLabelValues(strconv.Itoa(partition))
}

func (m *metrics) drop(r dropReason) { m.dropped[r].Inc() }
