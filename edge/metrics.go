package edge

import (
	"errors"
	"strconv"
	"time"

	"github.com/gobwas/ws"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// metrics are the counters of one edge. What is counted for every envelope is
// looked up once.
type metrics struct {
	connections prometheus.Gauge
	sessions    prometheus.Gauge
	upgrades    prometheus.Counter
	accepted    [overTCP + 1]prometheus.Counter
	handshakes  prometheus.Counter
	rejections  map[rejection]prometheus.Counter
	deferred    prometheus.Gauge
	overloaded  prometheus.Gauge
	lag         prometheus.Gauge
	stalls      prometheus.Counter
	settling    prometheus.Gauge
	unsettled   prometheus.Counter
	drained     prometheus.Counter
	expired     prometheus.Counter
	rebalanced  prometheus.Counter
	surplus     prometheus.Gauge
	bytesIn     prometheus.Counter
	envelopes   [lime.KindSession + 1]prometheus.Counter
	dropped     map[dropReason]prometheus.Counter
	closes      *prometheus.CounterVec
	pages       *prometheus.CounterVec
	logins      *prometheus.CounterVec
	loginTime   *prometheus.HistogramVec
	establish   prometheus.Histogram
	dialects    dialectMetrics
	compression *compressionMetrics
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		dialects: newDialectMetrics(f), compression: newCompressionMetrics(f),
		connections: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_connections", Help: "Open connections, upgraded or not.",
		}),
		sessions: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_sessions", Help: "Established sessions.",
		}),
		upgrades: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_upgrades_total", Help: "Connections upgraded to WebSocket.",
		}),
		handshakes: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_tls_failures_total", Help: "Connections over TCP that chose TLS and did not come so far.",
		}),
		rejections: map[rejection]prometheus.Counter{},
		deferred: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_deferred", Help: "Connections that wait for their turn, because their address connects faster than it may.",
		}),
		overloaded: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_overloaded", Help: "1 while new clients are refused because the loops lag.",
		}),
		lag: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_lag_seconds", Help: "How long the slowest loop took to come to something new.",
		}),
		stalls: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_stalls_total", Help: "Connections ended because the client took nothing for too long.",
		}),
		settling: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_settling", Help: "Sessions told to go that are still there.",
		}),
		unsettled: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_unsettled_total", Help: "Sessions finished by the edge before they had acknowledged all, because their time was over.",
		}),
		drained: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_drained_total", Help: "Sessions finished because the edge stops.",
		}),
		expired: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_expired_total", Help: "Sessions failed because their authentication had expired.",
		}),
		rebalanced: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_rebalanced_total", Help: "Sessions finished because other edges have fewer.",
		}),
		surplus: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_surplus", Help: "Sessions above the mean of all edges, while they are being finished, or when that was given up.",
		}),
		bytesIn: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_received_bytes_total", Help: "Payload bytes received from clients.",
		}),
		dropped: map[dropReason]prometheus.Counter{},
		closes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_edge_closes_total", Help: "Connections closed by the edge, by WebSocket close code, or what it would be over TCP; other is 3000 and above.",
		}, []string{"code"}),
		pages: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_edge_pages_total", Help: "Answers to requests for pages, by HTTP status.",
		}, []string{"status"}),
		logins: f.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_edge_logins_total", Help: "Logins, by scheme and result: granted, refused, busy when too many waited in the edge, or error when the cluster could not check them.",
		}, []string{"scheme", "result"}),
		loginTime: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "limegrove_edge_login_seconds", Help: "Time that a login took, by scheme.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"scheme"}),
		establish: f.NewHistogram(prometheus.HistogramOpts{
			Name: "limegrove_edge_establish_seconds", Help: "Time from the upgrade, or over TCP from the connection, to the established session.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
	}
	envelopes := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_received_total", Help: "Envelopes received from clients, by kind.",
	}, []string{"kind"})
	for k := range m.envelopes {
		m.envelopes[k] = envelopes.WithLabelValues(lime.Kind(k).String())
	}
	accepted := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_accepted_total", Help: "Connections that were served, by transport: websocket or tcp.",
	}, []string{"transport"})
	for t := range m.accepted {
		m.accepted[t] = accepted.WithLabelValues(transport(t).String())
	}
	rejected := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_rejections_total", Help: "Connections that were not served, by reason.",
	}, []string{"reason"})
	for _, r := range rejections {
		m.rejections[r] = rejected.WithLabelValues(string(r))
	}
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_dropped_total", Help: "Envelopes not passed on, by reason.",
	}, []string{"reason"})
	for _, r := range dropReasons {
		m.dropped[r] = dropped.WithLabelValues(string(r))
	}
	return m
}

func (m *metrics) rejected(r rejection) { m.rejections[r].Inc() }

func (m *metrics) drop(r dropReason) { m.dropped[r].Inc() }

func (m *metrics) envelope(k lime.Kind) { m.envelopes[k].Inc() }

// closed counts a close. The codes of applications and libraries, which a client may
// choose, count as one.
func (m *metrics) closed(code ws.StatusCode) {
	label := "other"
	if code < 3000 {
		label = strconv.Itoa(int(code))
	}
	m.closes.WithLabelValues(label).Inc()
}

// departed counts a session that the edge wanted to go.
func (m *metrics) departed(why departure) {
	if why == forOthers {
		m.rebalanced.Inc()
	} else {
		m.drained.Inc()
	}
}

// login counts the answer to a login.
func (m *metrics) login(s auth.Scheme, began time.Time, err error) {
	result := "error"
	var overfull *busy
	switch {
	case err == nil:
		result = "granted"
	case errors.As(err, &overfull):
		result = "busy"
	case errors.Is(err, auth.ErrFault): // which has a reason for the client
	case lime.AsReason(err) != nil:
		result = "refused"
	}
	m.logins.WithLabelValues(string(s), result).Inc()
	m.loginTime.WithLabelValues(string(s)).Observe(time.Since(began).Seconds())
}

// established counts a session that began.
func (m *metrics) established(after time.Duration) {
	m.sessions.Inc()
	m.establish.Observe(after.Seconds())
}
