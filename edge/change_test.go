package edge

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
)

// change puts a configuration in force.
func (e *fixture) change(change func(*Config)) {
	e.t.Helper()
	cfg := *e.cfg.Load()
	change(&cfg)
	apply, err := e.Change(cfg)
	must(e.t, err)
	apply()
}

func TestSessionsInProgressHaveNewLimits(t *testing.T) {
	inMemory(t, Config{EnvelopeRate: 100, MaxEnvelope: 2000}, func(t *testing.T, e *fixture) {
		rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
		send := func(n int) {
			for i := range n {
				eve.says(fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"x"}`, i))
			}
		}
		send(50)
		for i := range 50 {
			rui.hears("all within the rate", fmt.Sprintf(`{"id":"%d"}`, i))
		}
		time.Sleep(5 * time.Second) // it may send as much at once as ever
		e.change(func(c *Config) { c.EnvelopeRate = 5 })
		var all []byte
		for i := range 11 {
			all = append(all, frame(ws.OpText, fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"x"}`, i))...)
		}
		eve.background(all)
		eve.hears("twice the new rate at once, and one is refused", `{"id":"10","event":"failed","reason":{"code":34}}`)
		for i := range 10 {
			rui.hears("the others are not", fmt.Sprintf(`{"id":"%d"}`, i))
		}
		time.Sleep(5 * time.Second)
		e.change(func(c *Config) { c.EnvelopeRate, c.ByteRate, c.MaxEnvelope = -1, -1, 300_000 })
		long := strings.Repeat("x", 250_000)
		eve.background(frame(ws.OpText, `{"id":"long","to":"rui@example.org/1","type":"text/plain","content":"`+long+`"}`))
		rui.hears("what is longer than before", `{"id":"long"}`)
		e.change(func(c *Config) { c.MaxEnvelope = 2000 })
		eve.background(frame(ws.OpText, `{"id":"long","to":"rui@example.org/1","type":"text/plain","content":"`+long+`"}`))
		eve.hearsFailed("what is too long again", 21, ws.StatusMessageTooBig)
	})
}

func TestSilentSessionsHaveNewTimes(t *testing.T) {
	inMemory(t, Config{PingInterval: 15 * time.Second, IdleTimeout: 100 * time.Second}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		ana.silent.Store(true)
		e.change(func(c *Config) { c.PingInterval, c.IdleTimeout = 2*time.Second, 5*time.Second })
		began := time.Now()
		ana.hearsPing("when the wait of before is over", "")
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("it is pinged after %s, when the wait of before is over at the latest", took)
		}
		ana.hears("and then it is over", `{"state":"finished"}`)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it is finished after %s", took)
		}
	})
}

func TestConnectionsThatComeHaveNewBounds(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		e.dial = e.pipes.from("192.0.2.1")
		old := e.login("old@example.org/1")
		e.change(func(c *Config) { c.MaxPerAddress = 1 })
		ana := e.login("ana@example.org/1")
		refused := func(status string) {
			t.Helper()
			c := e.connect()
			c.write([]byte(request))
			c.wantRejected(status)
		}
		gone := func(c *client) {
			_ = c.nc.Close()
			synctest.Wait()
		}
		refused("429")
		gone(old)
		refused("429") // the old one did not count
		gone(ana)
		lia := e.login("lia@example.org/1")
		e.change(func(c *Config) { c.MaxPerAddress = 0 })
		rui := e.login("rui@example.org/1")
		e.change(func(c *Config) { c.MaxPerAddress, c.MaxSessions = 3, 2 })
		refused("503")
		gone(lia)
		gone(rui)
		if e.admitted.Load() != 0 || len(e.addresses.count) != 0 {
			t.Errorf("%d connections are left, of %v", e.admitted.Load(), e.addresses.count)
		}
	})
}

func TestSchemesThatAreOfferedMayChange(t *testing.T) {
	inMemory(t, Config{Schemes: []auth.Scheme{auth.SchemePlain}}, func(t *testing.T, e *fixture) {
		before := e.upgraded()
		before.says(`{"state":"new"}`)
		before.hears("what is offered", `{"state":"authenticating","schemeOptions":["plain"]}`)
		e.change(func(c *Config) { c.Schemes = []auth.Scheme{auth.SchemeKey, auth.SchemeGuest} })
		after := e.upgraded()
		after.says(`{"state":"new"}`)
		after.hears("what is offered then", `{"state":"authenticating","schemeOptions":["key","guest"]}`)
		e.login("ana@example.org/1")
	})
}

func TestWrongConfigurationChangesNothing(t *testing.T) {
	e := newFixture(t, Config{})
	defer e.Close()
	was, rules := e.cfg.Load(), e.rules.Load()
	for name, wrong := range map[string]func(*Config){
		"tiny envelopes":         func(c *Config) { c.MaxEnvelope = 1 },
		"a scheme twice":         func(c *Config) { c.Schemes = []auth.Scheme{auth.SchemeGuest, auth.SchemeGuest} },
		"TLS without any":        func(c *Config) { c.Encryption = []Encryption{EncryptionTLS} },
		"pings too rare":         func(c *Config) { c.PingInterval = c.IdleTimeout },
		"no queue":               func(c *Config) { c.SendQueue = -1 },
		"nothing to log in with": func(c *Config) { c.Schemes = []auth.Scheme{} },
	} {
		cfg := *was
		cfg.EnvelopeRate = math.MaxInt32
		wrong(&cfg)
		if apply, err := e.Change(cfg); err == nil || apply != nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if e.cfg.Load() != was || e.rules.Load() != rules {
		t.Error("another configuration is in force")
	}
}
