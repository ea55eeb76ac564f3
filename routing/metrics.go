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
	stages       [stageAcknowledge + 1]prometheus.Observer
	windowsFull  prometheus.Counter
	readOut      prometheus.Counter
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
		windowsFull: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_windows_full_total", Help: "Times that a session had as many stored messages unacknowledged as it may, and got no more for now.",
		}),
		readOut: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_routing_read_messages_total", Help: "Stored messages that were read for sessions that had missed their copies or were not there for them, and handed out.",
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
	for _, why := range []string{refusedForbidden, refusedTooMany} {
		m.deaf.WithLabelValues(why)
	}
	stages := f.NewHistogramVec(prometheus.HistogramOpts{
		Name: "limegrove_routing_delivery_seconds",
		Help: "How long stored messages took, by stage, of one in eight: accept, from a message's arrival until its sender was told; store, the part of that in JetStream; deliver, from its place in the log until a session had its copy queued; acknowledge, from then until the client had acknowledged it.",
		// From what one machine takes to more than clients wait.
		Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"stage"})
	for s, name := range stageNames {
		m.stages[s] = stages.WithLabelValues(name)
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

// watch registers what is looked at when somebody asks.
func (h *Hubs) watch() {
	f := promauto.With(h.cfg.Metrics)
	gauge := func(name, help string, value func() int) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	gauge("limegrove_routing_inbound", "Messages of NATS that wait to be handed out.", func() (n int) {
		for _, s := range h.shards {
			n += len(s.messages)
		}
		return n
	})
	gauge("limegrove_routing_inbound_limit", "How many that are at most; NATS's client drops what comes beyond, and stored messages are read again.", func() (n int) {
		for _, s := range h.shards {
			n += cap(s.messages)
		}
		return n
	})
	gauge("limegrove_routing_outbox_bytes", "What is on its way into the log, and what its senders are yet to be told of.", func() int {
		return int(h.budget.used.Load())
	})
	gauge("limegrove_routing_outbox_limit_bytes", "What that is at most; what comes beyond is refused.", func() int { return budgetBytes })
	gauge("limegrove_routing_unacknowledged", "Stored messages that sessions were handed and have not acknowledged.", func() (n int) {
		for _, s := range h.shards {
			n += int(s.unacknowledged.Load())
		}
		return n
	})
	gauge("limegrove_routing_readers_waiting", "Sessions that wait to be read for: they begin, or have missed a copy.", func() int {
		if h.reader == nil {
			return 0
		}
		return h.reader.waiting()
	})
}
