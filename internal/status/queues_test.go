package status

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestQueuesAreReadByTheirNames(t *testing.T) {
	registry := prometheus.NewRegistry()
	for _, m := range []struct {
		name, label, value string
		is                 float64
	}{
		{"limegrove_poll_queued_bytes", "", "", 70},
		{"limegrove_poll_held_bytes", "", "", 0},
		{"limegrove_routing_outbox_bytes", "", "", 5},
		{"limegrove_routing_outbox_limit_bytes", "", "", 100},
		{"limegrove_edge_waiting", "queue", "login", 2},
		{"limegrove_edge_waiting", "queue", "rooms", 0},
		{"limegrove_edge_dropped_total", "reason", "rate", 4},
		{"limegrove_routing_dropped_total", "reason", "rate", 3},
		{"limegrove_herald_dropped_total", "", "", 1},
		{"limegrove_edge_sessions", "", "", 9},
	} {
		labels := prometheus.Labels{}
		if m.label != "" {
			labels[m.label] = m.value
		}
		if strings.HasSuffix(m.name, "_total") {
			c := prometheus.NewCounter(prometheus.CounterOpts{Name: m.name, ConstLabels: labels})
			c.Add(m.is)
			registry.MustRegister(c)
			continue
		}
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: m.name, ConstLabels: labels})
		g.Set(m.is)
		registry.MustRegister(g)
	}
	all, dropped := queues(registry, map[string]float64{"max-held": 50})
	got, err := json.Marshal([]any{all, dropped})
	if err != nil {
		t.Fatal(err)
	}
	const want = `[[{"name":"edge_waiting/login","has":2},{"name":"poll_held_bytes","has":0,"bound":50},{"name":"poll_queued_bytes","has":70},` +
		`{"name":"routing_outbox_bytes","has":5,"bound":100}],{"edge/rate":4,"herald":1,"routing/rate":3}]`
	if string(got) != want {
		t.Errorf("they are\n%s, want\n%s", got, want)
	}
}

func TestWhatWaitsIsAskedOfAll(t *testing.T) {
	w := newWorld(t)
	one, two := w.start("e1", Edge, Session{Node: "ana@example.org/home", Queued: 3}), w.start("r1", Router)
	var surveys int
	one.cfg.Survey = func(_ context.Context, top int) (Survey, error) {
		if surveys++; surveys == 1 {
			return Survey{Waiting: []Backlog{{"rui@example.org", uint64(top)}}}, nil
		}
		return Survey{}, errors.New("no leader")
	}
	for _, tc := range []struct {
		path, token string
		code        int
		says        string
	}{
		{"/status/queues", "", 401, "admin token"},
		{"/status/queues?top=101", right, 400, "top is 0 to 100"},
		{"/status/queues?top=x", right, 400, "top is 0 to 100"},
		{"/status/queues?top=7", right, 200, `"waiting":[{"identity":"rui@example.org","messages":7}]`},
		{"/status/queues?top=7", right, 200, `"messages":7`}, // the same answer
		{"/status/queues", right, 200, `"error":"no leader"`},
	} {
		code, body := one.request("GET", tc.path, tc.token, "")
		if code != tc.code || !strings.Contains(body, tc.says) {
			t.Errorf("%s: %d %s", tc.path, code, body)
		}
		if code == 200 && (!strings.Contains(body, `"id":"e1"`) || !strings.Contains(body, `"id":"r1"`) || strings.Contains(body, "not answered")) {
			t.Errorf("%s: members are in %s", tc.path, body)
		}
	}
	if surveys != 2 {
		t.Errorf("JetStream was asked %d times", surveys)
	}
	two.end()
	two.end = func() {}
	one.lately.at = time.Time{}
	if _, body := one.request("GET", "/status/queues", right, ""); !strings.Contains(body, "it has not answered in time") {
		t.Errorf("who does not answer is in %s", body)
	}
}
