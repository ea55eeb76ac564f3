package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// Who sends more than the rate allows is read from more slowly, so that the refusals
// cost the neighbors only so much: P8.
func TestFloodIsSlowedDown(t *testing.T) {
	for name, one := range map[string][]byte{
		"messages":     frame(ws.OpText, `{"to":"rui","type":"text/plain","content":"x"}`),
		"empty frames": frame(ws.OpText, ""),
		"pongs":        frame(ws.OpPong, ""),
		"pings":        frame(ws.OpPing, ""),
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, Config{EnvelopeRate: 100, ByteRate: 100_000}, func(t *testing.T, e *fixture) {
				ana, lia, eve := e.login("ana@example.org/1"), e.login("lia@example.org/1"), e.login("eve@example.org/1")
				began := time.Now()
				eve.write(bytes.Repeat(one, 1<<20/len(one)))
				if took := time.Since(began); took < 5*time.Second {
					t.Errorf("1 MB is taken in %v", took)
				}
				ana.greets("nothing happened", lia)
				eve.says(`{"id":"$id","state":"finishing"}`)
				for f := eve.next("finished"); ; f = eve.next("finished") {
					if f == nil {
						t.Fatalf("the end came before finished: %v", eve.err)
					}
					if f.Header.OpCode == ws.OpText && match(f.Payload, `{"state":"finished"}`) == nil {
						break
					}
				}
				eve.ends("it is heard in the end", 1000)
			})
		})
	}
}

// What is above the rate waits with the client: one envelope is refused, so that it is told, and no other is lost.
func TestFloodWaitsWithItsSender(t *testing.T) {
	inMemory(t, Config{EnvelopeRate: 10}, func(t *testing.T, e *fixture) {
		rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
		const n = 200
		var all []byte
		for i := range n {
			all = append(all, frame(ws.OpText, fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"x"}`, i))...)
		}
		began := time.Now()
		eve.background(all)
		eve.hears("it is told", `{"event":"failed","reason":{"code":34}}`)
		for i := range n {
			if i != 20 { // twice the rate at once
				rui.hears("nothing else is lost", fmt.Sprintf(`{"id":"%d"}`, i))
			}
		}
		if took := time.Since(began); took < 17*time.Second || took > 20*time.Second {
			t.Errorf("it takes %s", took)
		}
		if got := counted(t, e.metrics.dropped[dropRate]); got != 1 {
			t.Errorf("%d are refused", got)
		}
		time.Sleep(3 * time.Second)
		eve.background(all)
		eve.hears("it is told again", `{"event":"failed","reason":{"code":34}}`)
	})
}

// numbered are messages to rui.
func numbered(n int, content string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"%s"}`, i, content))
	}
	return all
}

// One message with many envelopes is taken as the rate allows, too.
func TestFloodInOneMessageWaitsWithItsSender(t *testing.T) {
	const n = 200
	all := strings.Join(numbered(n, "x"), " ")
	half := len(all) / 2
	for name, sent := range map[string][]byte{
		"one frame":      frame(ws.OpText, all),
		"fragments":      append(part(ws.OpText, false, all[:half]), part(ws.OpContinuation, true, all[half:])...),
		"two messages":   append(frame(ws.OpText, all[:half]), frame(ws.OpText, all[half:])...),
		"with a ping":    append(frame(ws.OpText, all), frame(ws.OpPing, "x")...),
		"and one more":   append(frame(ws.OpText, all), frame(ws.OpText, `{"to":"ana@example.org/1","type":"text/plain","content":"x"}`)...),
		"in white space": frame(ws.OpText, "  "+all+strings.Repeat(" ", 1000)),
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, Config{EnvelopeRate: 10}, func(t *testing.T, e *fixture) {
				rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
				began := time.Now()
				eve.background(sent)
				eve.hears("it is told", `{"event":"failed","reason":{"code":34}}`)
				for i := range n {
					if i != 20 { // twice the rate at once
						rui.hears("nothing else is lost", fmt.Sprintf(`{"id":"%d"}`, i))
					}
				}
				if took := time.Since(began); took < 17*time.Second || took > 20*time.Second {
					t.Errorf("it takes %s", took)
				}
				if got := counted(t, e.metrics.dropped[dropRate]); got != 1 {
					t.Errorf("%d are refused", got)
				}
				time.Sleep(3 * time.Second)
				for len(eve.in) > 0 {
					<-eve.in
				}
				eve.greets("the session goes on", rui)
			})
		})
	}
}

// What was compressed together cannot wait, and is waited for.
func TestCompressedFloodIsMadeUpFor(t *testing.T) {
	cfg := compressing
	cfg.EnvelopeRate, cfg.UnfinishedTimeout = 10, time.Second
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		rui, eve := e.login("rui@example.org/1"), e.loginAgreed("eve@example.org/1")
		began := time.Now()
		eve.background(append(compressed(strings.Join(numbered(200, "x"), "")), frame(ws.OpText, `{"id":"last","to":"rui@example.org/1","type":"text/plain","content":"x"}`)...))
		for i := range 20 {
			rui.hears("what may be sent at once", fmt.Sprintf(`{"id":"%d"}`, i))
		}
		rui.hears("what is behind it", `{"id":"last"}`)
		if took := time.Since(began); took < 17*time.Second || took > 20*time.Second {
			t.Errorf("it waits for %s", took)
		}
		if got := counted(t, e.metrics.dropped[dropRate]); got != 180 {
			t.Errorf("%d are refused", got)
		}
	})
}

// It is the same with bytes, of whatever length the messages are.
func TestFloodOfBytesWaitsWithItsSender(t *testing.T) {
	for name, of := range map[string]struct{ length, rate, n int }{
		"short ones":          {2_000, 20_000, 200},
		"the longest":         {512<<10 - 100, 600_000, 10},
		"half of the longest": {256 << 10, 1 << 20, 20},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{EnvelopeRate: -1, ByteRate: of.rate, SendQueue: 16 << 20, UnfinishedTimeout: 300 * time.Millisecond}
			inMemory(t, cfg, func(t *testing.T, e *fixture) {
				rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
				var all []byte
				for _, m := range numbered(of.n, strings.Repeat("x", of.length)) {
					all = append(all, frame(ws.OpText, m)...)
				}
				began := time.Now()
				written := eve.background(all)
				eve.hears("it is told", `{"event":"failed","reason":{"code":34}}`)
				<-written
				time.Sleep(5 * time.Second)
				synctest.Wait()
				refused := counted(t, e.metrics.dropped[dropRate])
				if got := len(rui.in); got != of.n-refused || refused != 1 {
					t.Errorf("%d come, and %d are refused, of %d", got, refused, of.n)
				}
				if took, due := time.Since(began), time.Duration(of.length*of.n/of.rate-3)*time.Second; took < due {
					t.Errorf("it takes %s", took)
				}
				eve.greets("the session goes on", eve)
			})
		})
	}
}

// What waits for its rate is not half sent, however long it waits.
func TestWhatWaitsForItsRateIsNotHalfSent(t *testing.T) {
	inMemory(t, Config{ByteRate: 1000, UnfinishedTimeout: 2 * time.Second}, func(t *testing.T, e *fixture) {
		rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
		for _, c := range e.clients() {
			if c.session.who.Name() == "eve" {
				must(t, c.back(func() { c.session.bytes.charge(c.edge.instant(c.turn().Now), 40_000, 1000) }))
			}
		}
		began := time.Now()
		eve.background(append(part(ws.OpText, false, `{"to":"rui@example.org/1","type":"text/plain",`), part(ws.OpContinuation, true, `"content":"late"}`)...))
		time.Sleep(25 * time.Second)
		rui.hearsNothing("it waits")
		eve.hearsNothing("and lives")
		rui.hears("it is taken", `{"content":"late"}`)
		if took := time.Since(began); took < 38*time.Second {
			t.Errorf("after %s", took)
		}
		eve.write(frame(ws.OpText, `{"to":"rui@example.org/1",`)[:20])
		time.Sleep(4 * time.Second)
		eve.hearsFailed("what does not come is half sent", 21, ws.StatusPolicyViolation)
	})
}

// Whoever sends much at once has some of it taken in each turn, and others theirs in between.
func TestManyEnvelopesAreTakenInSlices(t *testing.T) {
	for rate, want := range map[int]struct{ first, then int }{
		100:    {first: 4, then: 4},
		1000:   {first: 33, then: 4},
		10_000: {first: 321, then: 40},
	} {
		c := &conn{edge: &Edge{}}
		c.session.rules = &sessionRules{envelopeRate: rate}
		s := &scratch{now: 1}
		goes := func() (taken int) {
			for s.envelopes = 0; !c.stops(s); taken++ {
				s.envelopes++
				c.session.envelopes.take(s.now, 1, rate)
			}
			return taken
		}
		if got := goes(); got != want.first {
			t.Errorf("at %d a second %d are taken in the first go, want %d", rate, got, want.first)
		}
		if got := goes(); got != want.then || c.flooding {
			t.Errorf("at %d a second %d are taken in the second one, want %d; it floods: %t", rate, got, want.then, c.flooding)
		}
	}
}

// Many envelopes at once, as many as the rate allows, are taken at a rate of their own.
func TestManyEnvelopesTakeSomeTime(t *testing.T) {
	inMemory(t, Config{EnvelopeRate: 1000}, func(t *testing.T, e *fixture) {
		rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
		const n = 1000
		var all []byte
		for _, one := range numbered(n, "x") {
			all = append(all, frame(ws.OpText, one)...)
		}
		began := time.Now()
		eve.background(all)
		for i := range n {
			rui.hears("all in order", fmt.Sprintf(`{"id":"%d"}`, i))
			if took := time.Since(began); i == 31 && took > 0 {
				t.Errorf("a few take %v", took)
			}
		}
		if took := time.Since(began); took < 200*time.Millisecond || took > 300*time.Millisecond {
			t.Errorf("it takes %v", took)
		}
		if got := counted(t, e.metrics.dropped[dropRate]); got != 0 {
			t.Errorf("%d are refused", got)
		}
	})
}

// What was said at once is taken, though its sender has gone meanwhile.
func TestLastWordsAreTaken(t *testing.T) {
	each(t, Config{}, func(t *testing.T, e *fixture) {
		rui, eve := e.login("rui@example.org/1"), e.login("eve@example.org/1")
		const n = 300 // in one piece
		var b []byte
		for _, one := range numbered(n, "x") {
			b = append(b, frame(ws.OpText, one)...)
		}
		eve.write(b)
		if p, ok := eve.nc.(patient); ok {
			must(t, p.Conn.(*net.TCPConn).SetLinger(0))
		}
		must(t, eve.nc.Close())
		for i := range n {
			rui.hears("all in order", fmt.Sprintf(`{"id":"%d"}`, i))
		}
	})
}

// Whoever is not known yet has no need of long envelopes.
func TestStrangersSendShortEnvelopes(t *testing.T) {
	inMemory(t, Config{}, func(_ *testing.T, e *fixture) {
		login := func(n int) *client {
			c := e.upgraded()
			c.says(`{"state":"new"}`)
			c.hears("schemes", `{"state":"authenticating"}`)
			c.says(`{"id":"$id","from":"ana@example.org/1","state":"authenticating","scheme":"guest","authentication":{"token":"` + strings.Repeat("x", n) + `"}}`)
			return c
		}
		login(15<<10).hears("a token fits", `{"state":"established"}`)
		login(17<<10).hearsFailed("more does not", 21, ws.StatusMessageTooBig)
		c := e.upgraded()
		c.says(`{"x":"`)
		for range 20 {
			c.says(strings.Repeat("x", 1<<10))
		}
		c.hearsFailed("nor does it in pieces", 21, ws.StatusMessageTooBig)
	})
}

// The same over TCP, where many envelopes come in one piece.
func TestFloodOverTCPWaitsWithItsSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFixture(t, Config{goroutines: true, EnvelopeRate: 10})
		e.over = overTCP
		e.runInMemory()
		rui, eve := e.tcpLogin("rui@example.org/1"), e.tcpLogin("eve@example.org/1")
		const n = 100
		var all strings.Builder
		for i := range n {
			fmt.Fprintf(&all, `{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"x"}`, i)
		}
		go eve.says(all.String())
		eve.hears("it is told", `{"event":"failed","reason":{"code":34}}`)
		var got []string
		for range n - 1 {
			var m struct{ ID string }
			must(t, json.Unmarshal([]byte(<-rui.in), &m))
			got = append(got, m.ID)
		}
		but := func(refused int) (ids []string) {
			for i := range n {
				if i != refused {
					ids = append(ids, strconv.Itoa(i))
				}
			}
			return ids
		}
		// Twice the rate at once, one of which is the answer to a ping where that came before.
		if !slices.Equal(got, but(19)) && !slices.Equal(got, but(20)) {
			t.Errorf("nothing else is lost, but %q come", got)
		}
		if n := counted(t, e.metrics.dropped[dropRate]); n != 1 {
			t.Errorf("%d are refused", n)
		}
	})
}
