package client

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// A name's addresses: the next is tried at once, and after all of them there is a pause.
func TestServersAreTriedInTurn(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://nobody1/", Config{
			Servers: []string{"ws://two/", "ws://nobody3/"}, Backoff: Backoff{First: time.Second, Last: 4 * time.Second},
		})
		f := p.accept()
		f.begins(ana)
		c := d.get()
		if f.address != "two:80" || p.dials.Load() != 2 {
			t.Errorf("%s after %d dials", f.address, p.dials.Load())
		}
		lost := time.Now()
		f.conn.Close()
		f = p.accept()
		if after := time.Since(lost); f.address != "two:80" || p.dials.Load() != 5 || after >= time.Second {
			t.Errorf("%s after %d dials and %s", f.address, p.dials.Load(), after)
		}
		f.begins(ana)
		synctest.Wait()
		if s := c.Status(); s.State != StateOnline || s.Server != "ws://two/" || s.Node.String() != ana || s.Err != nil {
			t.Errorf("%+v", s)
		}
	})
}

// Rounds that fail are ever further apart, and the bound on them is the end.
func TestPausesGrowAndTriesAreBounded(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		var pauses []time.Duration
		var states []State
		d := p.client("ws://server/", Config{
			Backoff: Backoff{First: time.Second, Last: 5 * time.Second, Tries: 6},
			OnStatus: func(s Status) {
				if states = append(states, s.State); s.State == StateWaiting {
					pauses = append(pauses, s.Pause)
				}
			},
		})
		f := p.accept()
		f.begins(ana)
		c := d.get()
		go func() {
			for conn := range p.conns {
				conn.Close() // no login gets anywhere
			}
		}()
		f.conn.Close()
		<-c.Done()
		close(p.conns)
		const second = time.Second
		for i, most := range []time.Duration{second, 2 * second, 4 * second, 5 * second, 5 * second, 5 * second} {
			if i >= len(pauses) || pauses[i] > most || i > 0 && pauses[i] < most/2 {
				t.Fatalf("pauses: %v", pauses)
			}
		}
		if len(pauses) != 6 || states[len(states)-1] != StateEnded || c.Status().Err == nil || !errors.Is(c.Err(), c.Status().Err) {
			t.Errorf("%v, %v, %v", pauses, states, c.Err())
		}
		if _, err := c.PublishAsync(within(t), text("1", "x")); !errors.Is(err, c.Err()) {
			t.Errorf("afterwards: %v", err)
		}
		if err := c.Send(within(t), text("1", "x")); !errors.Is(err, c.Err()) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// A session that ends as soon as it has begun is no success.
func TestFlappingServerIsLeftAloneEverLonger(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Backoff: Backoff{First: time.Second, Last: time.Minute}})
		var waited []time.Duration
		for range 6 {
			lost := time.Now()
			f.conn.Close()
			f = p.accept()
			waited = append(waited, time.Since(lost))
			f.begins(ana)
			synctest.Wait()
		}
		if last := waited[5]; last < 16*time.Second || last > 32*time.Second {
			t.Errorf("the pauses are %v", waited)
		}
		go func() {
			for range f.in { // pings
				f.sends(ws.NewPongFrame(nil))
			}
		}()
		time.Sleep(2 * time.Minute) // it lives
		lost := time.Now()
		f.conn.Close()
		p.accept().begins(ana)
		if after := time.Since(lost); after >= time.Second {
			t.Errorf("after a session that lived it waits for %s", after)
		}
		_ = c
	})
}

func TestWhatEndsForGood(t *testing.T) {
	for _, tc := range []struct {
		says  string
		final bool
	}{
		{`"state":"failed","reason":{"code":12}`, true}, // replaced
		{`"state":"failed","reason":{"code":13}`, true},
		{`"state":"failed","reason":{"code":25}`, true},
		{`"state":"failed","reason":{"code":11}`, false},
		{`"state":"failed","reason":{"code":21}`, false},
		{`"state":"failed"`, false},
		{`"state":"finished"`, false}, // a drain
	} {
		inMemory(t, func(t *testing.T, p *place) {
			c, f := p.session(Config{})
			f.says(`{"id":"s1","from":"` + server + `",` + tc.says + `}`)
			if last := f.ends(); last != "8:\x03\xe8" {
				t.Errorf("the last word of the client is %q", last)
			}
			if !tc.final {
				p.accept().begins(ana)
				return
			}
			<-c.Done()
			var ended *SessionError
			if !errors.As(c.Err(), &ended) || ended.During != lime.StateEstablished || ended.Reason == nil {
				t.Error(c.Err())
			}
		})
	}
}

// What one server says of the credentials holds, whatever those before it have said.
func TestWhatEndsForGoodIsNotHiddenByOtherServers(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://one/", Config{Servers: []string{"ws://two/"}})
		f := p.accept()
		f.begins(ana)
		c := d.get()
		f.conn.Close()
		for _, code := range []string{"11", "13"} {
			f = p.accept()
			f.hears("new", `{"state":"new"}`)
			f.says(`{"id":"s1","state":"failed","reason":{"code":` + code + `}}`)
		}
		synctest.Wait()
		if s := c.Status(); s.State != StateEnded || !errors.Is(c.Err(), &lime.Reason{Code: 13}) {
			t.Errorf("%+v", s)
		}
	})
}

// With a refusal of nodes that are taken, the one that is taken may be one's own.
func TestNodeThatIsStillTakenIsTriedAgain(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		f.conn.Close()
		f = p.accept()
		f.hears("new", `{"state":"new"}`)
		f.says(`{"id":"s1","state":"failed","reason":{"code":12}}`)
		f = p.accept()
		f.begins(ana)
		synctest.Wait()
		if s := c.Status(); s.State != StateOnline {
			t.Errorf("%+v", s)
		}
	})
}

func TestRetryAfterIsKept(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Backoff: Backoff{First: time.Second, Last: 30 * time.Second}})
		f.conn.Close()
		f = p.raw()
		go f.read(f.conn)
		began := time.Now()
		f.writes("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 20\r\n\r\n")
		synctest.Wait()
		c.Retry() // which is no reason to disturb the server
		p.accept().begins(ana)
		if took := time.Since(began); took < 20*time.Second || took > 21*time.Second {
			t.Errorf("it came back after %s", took)
		}
	})
}
