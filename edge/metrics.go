package edge

import (
	"errors"
	"net/http"
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
	accepted    [transports]prometheus.Counter
	handshakes  prometheus.Counter
	revoked     prometheus.Counter
	rejections  map[rejection]prometheus.Counter
	deferred    prometheus.Gauge
	overloaded  prometheus.Gauge
	lag         prometheus.Gauge
	stalls      prometheus.Counter
	floods      prometheus.Counter
	flooding    prometheus.Gauge
	settling    prometheus.Gauge
	unsettled   prometheus.Counter
	drained     prometheus.Counter
	expired     prometheus.Counter
	rebalanced  prometheus.Counter
	surplus     prometheus.Gauge
	ignored     prometheus.Gauge
	lime        stageGauges // of those who speak it
	begun       prometheus.Counter
	unbegun     map[failure]prometheus.Counter
	drainLimit  prometheus.Gauge
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
		revoked: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_certificates_revoked_total", Help: "Connections that were ended because their client's certificate was revoked.",
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
		floods: f.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_edge_floods_total", Help: "Times that a session went on sending more than its rate, and was slowed.",
		}),
		flooding: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_flooding", Help: "Sessions that are slowed because they went on sending more than their rate.",
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
		ignored: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_ignored_peers", Help: "Identities, nodes and domains from which nothing is taken for a while.",
		}),
		unbegun: map[failure]prometheus.Counter{},
		drainLimit: f.NewGauge(prometheus.GaugeOpts{
			Name: "limegrove_edge_drain_limit_seconds", Help: "What the drain that is under way may take; 0 before it.",
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
	m.lime = gauges(m.dialects.states, "lime")
	establishments := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_establishments_total",
		Help: "Sessions that were established, or have ended before (failed), by result and reason, which is none for the established.",
	}, []string{"result", "reason"})
	m.begun = establishments.WithLabelValues("established", "")
	for _, why := range failureNames {
		m.unbegun[why] = establishments.WithLabelValues("failed", string(why))
	}
	for _, code := range []ws.StatusCode{
		ws.StatusNormalClosure, ws.StatusGoingAway, ws.StatusProtocolError, ws.StatusUnsupportedData, ws.StatusInvalidFramePayloadData,
		ws.StatusPolicyViolation, ws.StatusMessageTooBig, ws.StatusInternalServerError,
	} {
		m.closes.WithLabelValues(strconv.Itoa(int(code)))
	}
	for _, status := range []int{http.StatusOK, http.StatusNotFound} {
		m.pages.WithLabelValues(strconv.Itoa(status))
	}
	accepted := f.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_accepted_total", Help: "Connections that were served, by transport: websocket, tcp, or frames of a dialect.",
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

// offers makes the counters of the schemes that are offered, so that their first logins show as a rise.
func (m *metrics) offers(schemes []auth.Scheme) {
	for _, s := range schemes {
		for _, result := range []string{"granted", "refused", "busy", "error"} {
			m.logins.WithLabelValues(string(s), result)
		}
		m.loginTime.WithLabelValues(string(s))
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
	m.begun.Inc()
	m.establish.Observe(after.Seconds())
}

// unestablished counts a session that was not.
func (m *metrics) unestablished(why lime.Code) { m.unbegun[failureOf(why)].Inc() }

// slowed counts a session that is slowed, or -1 that is no longer.
func (m *metrics) slowed(n int) {
	if n > 0 {
		m.floods.Inc()
	}
	m.flooding.Add(float64(n))
}

// watch registers what is looked at when somebody asks.
func (e *Edge) watch() {
	f := promauto.With(e.cfg.Load().Metrics)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_edge_sessions_limit", Help: "Connections that the edge serves at most; 0 for no limit.",
	}, func() float64 { return float64(max(0, e.cfg.Load().MaxSessions)) })
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_edge_hurries", Help: "1 while so many connections are no sessions that those who owe half of something are cut in time.",
	}, func() float64 {
		if e.admitted.Load() > e.sessions.Load() && e.hurries() {
			return 1
		}
		return 0
	})
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_edge_drain_age_seconds", Help: "For how long the edge has been draining; 0 before.",
	}, func() float64 {
		if began := e.drainBegan.Load(); began != 0 {
			return e.instant(time.Now()).since(instant(began)).Seconds()
		}
		return 0
	})
	for name, waits := range map[string]func() int{
		"login": func() (n int) {
			for _, w := range *e.logins.Load() {
				n += len(w.queue)
			}
			return n
		},
		"registration": func() int { return len(e.places.queue) },
		"rooms":        func() int { return len(e.halls.queue) },
		"asking":       func() int { return len(e.asking.queue) },
		"inflating":    func() int { return len(e.inflating.queue) },
	} {
		f.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "limegrove_edge_waiting", Help: "What waits for a worker of the edge: a login, a registration, rooms, a question about the client of a dialect (asking), or a long compressed message (inflating).",
			ConstLabels: prometheus.Labels{"queue": name},
		}, func() float64 { return float64(waits()) })
	}
}
