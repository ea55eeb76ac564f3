package edge

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/edge/auth"
)

func TestConfigurationsThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"ID":             func(c *Config) { c.ID = "" },
		"Domains":        func(c *Config) { c.Domains = nil },
		"Router":         func(c *Config) { c.Router = nil },
		"Authenticator":  func(c *Config) { c.Authenticator = nil },
		"scheme":         func(c *Config) { c.Schemes = []auth.Scheme{} },
		"twice":          func(c *Config) { c.Schemes = []auth.Scheme{"guest", "plain", "guest"} },
		"MaxEnvelope 9":  func(c *Config) { c.MaxEnvelope = 9 },
		"MaxEnvelope -1": func(c *Config) { c.MaxEnvelope = -1 },
		"1 MiB":          func(c *Config) { c.MaxEnvelope = 1 << 20 }, // L-TRN-03
		"PingInterval":   func(c *Config) { c.PingInterval = 2 * time.Minute },
		"CloseTimeout":   func(c *Config) { c.CloseTimeout = -1 },
		"SendQueue":      func(c *Config) { c.SendQueue = -1 },
		"Establishing":   func(c *Config) { c.Establishing = -1 },
		"Waiting":        func(c *Config) { c.Waiting = -1 },
		"Loops":          func(c *Config) { c.Loops = -1 },
	} {
		cfg := Config{ID: "e1", Domains: []string{"example.org"}, Router: newSwitchboard(), Authenticator: &doorkeeper{}}
		change(&cfg)
		e, err := New(cfg)
		if err == nil {
			e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimitsMayBeNone(t *testing.T) {
	inMemory(t, Config{
		EnvelopeRate: -1, ByteRate: -1, MaxPerAddress: -1, HandshakeTimeout: -1, EstablishTimeout: -1,
		UnfinishedTimeout: -1, PingInterval: -1, IdleTimeout: -1, StallTimeout: -1,
	}, func(t *testing.T, e *fixture) {
		silent, upgraded, ana := e.connect(), e.upgraded(), e.login("ana@example.org/1")
		ana.write(frame(0x1, "{"))
		time.Sleep(3 * time.Hour)
		silent.write([]byte(request))
		silent.wantUpgrade()
		upgraded.login("rui@example.org/1")
		ana.write(frame(0x1, `"id":"c","method":"get","uri":"/ping"}`))
		ana.hears("hours later", `{"id":"c","status":"success"}`)
		if n := len(ana.in); n != 0 {
			t.Errorf("%d frames came", n)
		}
	})
}

func TestMetricsAreRegisteredAndCount(t *testing.T) {
	registry := prometheus.NewRegistry()
	inMemory(t, Config{Metrics: registry}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		ana.greets("x", ana)
		eve := e.upgraded()
		eve.says("x")
		eve.hearsFailed("no envelope", 21, 1000)
		synctest.Wait() // the edge is done with what eve has seen the end of
		families, err := registry.Gather()
		must(t, err)
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				name := f.GetName()
				for _, l := range m.GetLabel() {
					name += " " + l.GetValue()
				}
				got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		for name, want := range map[string]float64{
			"limegrove_edge_connections": 1, "limegrove_edge_sessions": 1, "limegrove_edge_upgrades_total": 2,
			"limegrove_edge_envelopes_total received message": 1, "limegrove_edge_envelopes_total received session": 2,
			"limegrove_edge_envelopes_total sent session": 3, "limegrove_edge_session_states lime established": 1,
			"limegrove_edge_session_states lime negotiating": 0, "limegrove_edge_session_states lime closing": 0,
			"limegrove_edge_establishments_total  established": 1, "limegrove_edge_establishments_total malformed failed": 1,
			"limegrove_edge_logins_total granted guest": 1, "limegrove_edge_login_seconds guest": 1,
			"limegrove_edge_establish_seconds": 1, "limegrove_edge_closes_total 1000": 1, "limegrove_edge_rejections_total malformed": 0,
		} {
			if v, ok := got[name]; !ok || v != want {
				t.Errorf("%s is %v, not %v", name, v, want)
			}
		}
	})
}
