package cluster

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what happens and, when asked, who is there.
type metrics struct {
	c      *Cluster
	events *prometheus.CounterVec
	joins  *prometheus.CounterVec

	members *prometheus.Desc
	drains  *prometheus.Desc
	health  *prometheus.Desc
}

func newMetrics(c *Cluster) *metrics {
	m := &metrics{
		c: c,
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_cluster_events_total",
			Help: "Changes of other members seen by gossip: join, update, leave, dead.",
		}, []string{"kind"}),
		joins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_cluster_joins_total",
			Help: "Attempts to join an address that was no member's, by result: ok, failed.",
		}, []string{"result"}),
		members: prometheus.NewDesc("limegrove_cluster_members",
			"Members thought alive, this one included.", []string{"role", "zone"}, nil),
		drains: prometheus.NewDesc("limegrove_cluster_draining",
			"Members thought alive that drain, this one included, by role.", []string{"role"}, nil),
		health: prometheus.NewDesc("limegrove_cluster_health_score",
			"Gossip's doubt in this process's own network or CPU; 0 is healthy, 7 the worst.", nil, nil),
	}
	for _, k := range []EventKind{EventJoin, EventUpdate, EventLeave, EventDead} {
		m.events.WithLabelValues(string(k))
	}
	for _, result := range []string{"ok", "failed"} {
		m.joins.WithLabelValues(result)
	}
	return m
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	return r.Register(m)
}

func (m *metrics) unregister(r prometheus.Registerer) {
	if r != nil {
		r.Unregister(m)
	}
}

// Describe makes metrics a prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.events.Describe(ch)
	m.joins.Describe(ch)
	ch <- m.members
	ch <- m.drains
	ch <- m.health
}

// Collect makes metrics a prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.events.Collect(ch)
	m.joins.Collect(ch)
	type group struct{ role, zone string }
	count := map[group]int{}
	draining := map[Role]int{RoleEdge: 0, RoleRouter: 0}
	for _, member := range m.c.Members() {
		count[group{string(member.Role), member.Zone}]++
		if member.Draining {
			draining[member.Role]++
		}
	}
	for role, n := range draining {
		ch <- prometheus.MustNewConstMetric(m.drains, prometheus.GaugeValue, float64(n), string(role))
	}
	for g, n := range count {
		ch <- prometheus.MustNewConstMetric(m.members, prometheus.GaugeValue, float64(n), g.role, g.zone)
	}
	ch <- prometheus.MustNewConstMetric(m.health, prometheus.GaugeValue, float64(m.c.list.GetHealthScore()))
}
