package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/prometheus/client_golang/prometheus/testutil"
	logtest "github.com/sirupsen/logrus/hooks/test"
)

// Who goes on sending more than the rate allows has a fifth of it after a while, until it has been less for long enough;
// nothing is lost by that.
func TestFloodThatLastsIsSlowed(t *testing.T) {
	const rate = 100
	each := func(t *testing.T, play func(t *testing.T, e *fixture)) {
		inMemory(t, Config{EnvelopeRate: rate}, play)
	}
	type pair struct{ eve, rui *client }
	login := func(e *fixture) pair { return pair{e.login("eve@example.org/1"), e.login("rui@example.org/1")} }
	// says has n messages sent as fast as they are taken, and tells when each of them comes.
	says := func(t *testing.T, p pair, n int) (at []time.Duration) {
		t.Helper()
		began := time.Now()
		var all []byte
		for _, m := range numbered(n, "x") {
			all = append(all, frame(ws.OpText, m)...)
		}
		p.eve.background(all)
		for last := -1; len(at) < n-1; { // one is refused
			var m struct {
				ID int `json:",string"`
			}
			if f := p.rui.next("all but one"); f == nil || json.Unmarshal(f.Payload, &m) != nil || m.ID <= last || m.ID > len(at)+1 {
				t.Fatalf("after %d there comes %v", last, f)
			}
			last, at = m.ID, append(at, time.Since(began))
		}
		p.eve.hears("it is told", `{"event":"failed","reason":{"code":34}}`)
		return at
	}
	within := func(at []time.Duration, from, to time.Duration) (n float64) {
		for _, a := range at {
			if a >= from && a < to {
				n++
			}
		}
		return n / (to - from).Seconds()
	}
	about := func(t *testing.T, what string, got, want float64) {
		t.Helper()
		if got < want*0.85 || got > want*1.15 {
			t.Errorf("%s it is %.0f a second, want %.0f", what, got, want)
		}
	}

	wantFlooding := func(t *testing.T, e *fixture, want float64) {
		t.Helper()
		if got := testutil.ToFloat64(e.metrics.flooding); got != want {
			t.Errorf("%g sessions are slowed, want %g", got, want)
		}
	}
	wantNone := func(t *testing.T, e *fixture) {
		t.Helper()
		if n := counted(t, e.metrics.floods); n != 0 {
			t.Errorf("%d floods are counted", n)
		}
	}

	t.Run("after a while", func(t *testing.T) {
		log, lines := logtest.NewNullLogger()
		inMemory(t, Config{EnvelopeRate: rate, Logger: log}, func(t *testing.T, e *fixture) {
			at := says(t, login(e), 3200)
			about(t, "at first", within(at, time.Second, 19*time.Second), rate)
			about(t, "then", within(at, 30*time.Second, 40*time.Second), rate/floodPrice)
			if n := counted(t, e.metrics.floods); n != 1 {
				t.Errorf("%d floods are counted", n)
			}
			wantFlooding(t, e, 1)
			if line := lines.LastEntry(); line == nil || line.Data["node"] != "eve@example.org/1" {
				t.Errorf("the log says %v", line)
			}
			if n := counted(t, e.metrics.dropped[dropRate]); n != 1 {
				t.Errorf("%d are refused", n)
			}
		})
	})

	t.Run("until it was over for long", func(t *testing.T) {
		each(t, func(t *testing.T, e *fixture) {
			p := login(e)
			says(t, p, 2700)
			wantFlooding(t, e, 1)
			p.eve.says(`{"id":"q","method":"get","uri":"/quota"}`)
			p.eve.hears("what it has", `{"id":"q","resource":{"throughput":20}}`)
			time.Sleep(floodSlow / 2)
			at := says(t, p, 300)
			about(t, "after a short rest", within(at, 3*time.Second, 10*time.Second), rate/floodPrice)
			time.Sleep(floodSlow + time.Second)
			at = says(t, p, 1000)
			about(t, "after a long one", within(at, time.Second, 7*time.Second), rate)
			wantFlooding(t, e, 0)
		})
	})

	t.Run("until it has kept to that for long", func(t *testing.T) {
		each(t, func(t *testing.T, e *fixture) {
			p := login(e)
			says(t, p, 2700)
			for i := range rate / floodPrice * 35 {
				p.eve.says(fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"x"}`, i))
				p.rui.hears("at once", fmt.Sprintf(`{"id":"%d"}`, i))
				time.Sleep(time.Second * floodPrice / rate * 11 / 10)
			}
			wantFlooding(t, e, 0)
		})
	})

	t.Run("until it goes", func(t *testing.T) {
		each(t, func(t *testing.T, e *fixture) {
			p := login(e)
			says(t, p, 2700)
			wantFlooding(t, e, 1)
			must(t, p.eve.nc.Close())
			synctest.Wait()
			wantFlooding(t, e, 0)
		})
	})

	t.Run("until there is another rate", func(t *testing.T) {
		each(t, func(t *testing.T, e *fixture) {
			p := login(e)
			says(t, p, 2700)
			e.change(func(c *Config) { c.EnvelopeRate = 2 * rate })
			time.Sleep(2 * time.Second)
			at := says(t, p, 1000)
			about(t, "of the other rate", within(at, time.Second, 3*time.Second), 2*rate)
		})
	})

	t.Run("but for who keeps the rate", func(t *testing.T) {
		each(t, func(t *testing.T, e *fixture) {
			p := login(e)
			says(t, p, 2*rate+10) // so that it was told, and has nothing left
			for i := range 60 * rate {
				p.eve.says(fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"x"}`, i))
				p.rui.hears("soon", fmt.Sprintf(`{"id":"%d"}`, i))
				time.Sleep(time.Second / rate * 11 / 10)
			}
			wantNone(t, e)
		})
	})

	t.Run("and for who has much to say now and then", func(t *testing.T) {
		each(t, func(t *testing.T, e *fixture) {
			p := login(e)
			for range 10 {
				at := says(t, p, 500) // 3 s above what it may say at once
				about(t, "beyond what comes at once", within(at, time.Second, 2*time.Second), rate)
				time.Sleep(10 * time.Second)
			}
			wantNone(t, e)
		})
	})

	const (
		receipt = `{"id":"$n","to":"rui@example.org/1","event":"consumed"}`
		message = `{"id":"$n","to":"rui@example.org/1","type":"text/plain","content":"x"}`
	)
	for name, mix := range map[string][]string{
		"receipts":           {receipt},
		"responses":          {`{"id":"$n","to":"rui@example.org/1","method":"get","status":"success"}`},
		"receipts above all": {receipt, receipt, receipt, message, receipt, receipt, message},
	} {
		t.Run("nor for "+name, func(t *testing.T) {
			each(t, func(t *testing.T, e *fixture) {
				p := login(e)
				var all []byte
				const n = 120 * rate
				for i := range n {
					all = append(all, frame(ws.OpText, strings.ReplaceAll(mix[i%len(mix)], "$n", strconv.Itoa(i)))...)
				}
				began := time.Now()
				p.eve.background(all)
				for range n - 1 {
					p.rui.next("each but one")
				}
				if took := time.Since(began); took > 121*time.Second {
					t.Errorf("they take %s", took)
				}
				wantNone(t, e)
			})
		})
	}

	t.Run("nor for bytes", func(t *testing.T) {
		inMemory(t, Config{EnvelopeRate: -1, ByteRate: 10_000}, func(t *testing.T, e *fixture) {
			says(t, login(e), 5000)
			wantNone(t, e)
		})
	})
}

// Of a low rate there is no fifth, and nothing is refused for ever.
func TestFloodAtALowRateGoesOn(t *testing.T) {
	for _, rate := range []int{1, 2, 3, 4} {
		inMemory(t, Config{EnvelopeRate: rate}, func(t *testing.T, e *fixture) {
			rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
			n := rate * 60
			var all []byte
			for _, m := range numbered(n, "x") {
				all = append(all, frame(ws.OpText, m)...)
			}
			eve.background(all)
			for range n - 1 {
				rui.hears("each but one", `{"content":"x"}`)
			}
			if n := counted(t, e.metrics.dropped[dropRate]); n != 1 {
				t.Errorf("at %d a second %d are refused", rate, n)
			}
		})
	}
}

// What was compressed together is refused and made up for, which may take longer than a pause: it is one wait.
func TestFloodOfCompressedMessagesIsSlowed(t *testing.T) {
	cfg := compressing
	cfg.EnvelopeRate = 10
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		e.login("rui@example.org/1")
		eve := e.loginAgreed("eve@example.org/1")
		eve.background(bytes.Repeat(compressed(strings.Join(numbered(30, "x"), "")), 100)) // each takes 3 s
		time.Sleep(15 * time.Second)
		if got := testutil.ToFloat64(e.metrics.flooding); got != 0 {
			t.Errorf("%g are slowed at once", got)
		}
		time.Sleep(15 * time.Second)
		if got := testutil.ToFloat64(e.metrics.flooding); got != 1 {
			t.Errorf("%g are slowed after a while", got)
		}
		time.Sleep(time.Minute)
		if got := counted(t, e.metrics.floods); got != 1 {
			t.Errorf("it is counted %d times", got)
		}
	})
}
