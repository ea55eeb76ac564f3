package edge

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// repliesByTime are those of many that ask for a WebSocket at once, by the time that each has taken.
type repliesByTime struct {
	mu  sync.Mutex
	all map[int][]time.Duration // by status; 0 is cut
}

// ask asks, and notes the answer.
func (a *repliesByTime) ask(nc net.Conn, began time.Time) {
	defer nc.Close()
	status := 0
	if _, err := io.WriteString(nc, request); err == nil {
		if r, err := http.ReadResponse(bufio.NewReader(nc), nil); err == nil {
			status = r.StatusCode
			if status == http.StatusServiceUnavailable && r.Header.Get("Retry-After") == "" {
				status = -1
			}
			_ = r.Body.Close()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[status] = append(a.all[status], time.Since(began))
}

func TestAddressThatComesTooFastWaitsForItsTurn(t *testing.T) {
	inMemory(t, Config{AddressRate: 2}, func(t *testing.T, e *fixture) {
		a := &repliesByTime{all: map[int][]time.Duration{}}
		var asking sync.WaitGroup
		began, one := time.Now(), e.pipes.from("192.0.2.1")
		for range 14 {
			nc := one()
			asking.Go(func() { a.ask(nc, began) })
		}
		synctest.Wait()
		e.dial = e.pipes.from("192.0.2.2")
		e.login("ana@example.org/1")
		if took := time.Since(began); took > 0 {
			t.Errorf("another address waits for %s", took)
		}
		if n := counted(t, e.metrics.deferred); n != 12 || e.Connections() != 1 {
			t.Errorf("%d wait, and %d are served", n, e.Connections())
		}
		asking.Wait()
		served, refused := a.all[http.StatusSwitchingProtocols], a.all[http.StatusServiceUnavailable]
		slices.Sort(served)
		if len(served) != 12 || len(refused) != 2 {
			t.Fatalf("the answers are %v", a.all)
		}
		for i, took := range served {
			due := time.Duration(max(0, i-1)) * time.Second / 2
			if took < due || took > due+200*time.Millisecond {
				t.Errorf("number %d is served after %s", i, took)
			}
		}
		for _, took := range refused {
			if took < turnPatience || took > turnPatience+200*time.Millisecond {
				t.Errorf("one is told that it has no turn after %s", took)
			}
		}
		synctest.Wait()
		if n := counted(t, e.metrics.rejections[rejectAddressRate]); n != 2 || counted(t, e.metrics.deferred) != 0 {
			t.Errorf("%d are counted as refused, and %d wait for ever", n, counted(t, e.metrics.deferred))
		}
	})
}

// drainFor takes an answer, and goes.
func drainFor(nc net.Conn) {
	_, _ = nc.Read(make([]byte, 1))
	_ = nc.Close()
}

// Those that wait leave room for others, and what is beyond is cut.
func TestNotAllRoomIsForThoseWhoWait(t *testing.T) {
	inMemory(t, Config{AddressRate: 1, MaxSessions: 20}, func(t *testing.T, e *fixture) {
		a := &repliesByTime{all: map[int][]time.Duration{}}
		var asking sync.WaitGroup
		began, one := time.Now(), e.pipes.from("192.0.2.1")
		for range 30 {
			nc := one()
			asking.Go(func() { a.ask(nc, began) })
		}
		synctest.Wait()
		waiting, cut := counted(t, e.metrics.deferred), counted(t, e.metrics.rejections[rejectUnanswered])
		if waiting == 0 || waiting > 10 || cut != 29-waiting {
			t.Errorf("%d wait, and %d are cut", waiting, cut)
		}
		e.dial = e.pipes.from("192.0.2.2")
		e.login("ana@example.org/1")
		asking.Wait()
		synctest.Wait()
		if left := e.admitted.Load(); left != 1 {
			t.Errorf("%d connections are left", left)
		}
	})
}

// One address takes all the places that it gets, with and without a turn; another one that comes too fast has its rate.
func TestAFloodTakesNobodysTurns(t *testing.T) {
	for _, sessions := range []int{8, 24, 200} {
		inMemory(t, Config{AddressRate: 5, MaxSessions: sessions}, func(t *testing.T, e *fixture) {
			a := &repliesByTime{all: map[int][]time.Duration{}}
			var all sync.WaitGroup
			flood, crowd := e.pipes.from("192.0.2.1"), e.pipes.from("192.0.2.2")
			until := time.Now().Add(13 * time.Second)
			for range 40 {
				all.Go(func() {
					for time.Now().Before(until) {
						nc := flood()
						_, _ = io.WriteString(nc, request)
						drainFor(nc)
						time.Sleep(25 * time.Millisecond)
					}
				})
			}
			time.Sleep(3 * time.Second)
			if n := counted(t, e.metrics.deferred); n > maxDeferredOf(sessions) {
				t.Errorf("%d of one address wait", n)
			}
			for range 500 { // in ten seconds
				nc := crowd()
				all.Go(func() { a.ask(nc, time.Now()) })
				time.Sleep(20 * time.Millisecond)
			}
			all.Wait()
			if n := len(a.all[http.StatusSwitchingProtocols]); n < 45 || n > 85 {
				t.Errorf("with %d places %d of the crowd are served in ten seconds, of 50", sessions, n)
			}
			synctest.Wait()
			if e.deferred.Load() != 0 || len(e.waiting.count) != 0 {
				t.Errorf("%d wait, of %v", e.deferred.Load(), e.waiting.count)
			}
		})
	}
}

// Who goes before its turn is counted, and leaves nothing.
func TestSomeDoNotWaitForTheirTurn(t *testing.T) {
	inMemory(t, Config{AddressRate: 1, MaxPerAddress: 3}, func(t *testing.T, e *fixture) {
		e.dial = e.pipes.from("192.0.2.1")
		for range 3 {
			e.connect()
		}
		synctest.Wait()
		e.Close()
		synctest.Wait()
		if n := counted(t, e.metrics.rejections[rejectLeft]); n != 2 {
			t.Errorf("%d have left", n)
		}
		if e.admitted.Load() != 0 || e.deferred.Load() != 0 || len(e.addresses.count)+len(e.waiting.count) != 0 {
			t.Errorf("%d connections are left, %d wait, of %v", e.admitted.Load(), e.deferred.Load(), e.addresses.count)
		}
	})
}

// Nothing is read before the turn, of sockets and TLS, and all of it then.
func TestTurnIsOverSocketsAndTLS(t *testing.T) {
	each(t, Config{AddressRate: 10}, func(t *testing.T, e *fixture) {
		var all []*client
		for range 13 {
			all = append(all, e.connect())
		}
		for _, c := range all {
			c.write([]byte(request))
			c.wantUpgrade()
		}
	})
}
