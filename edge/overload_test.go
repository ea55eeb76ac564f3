package edge

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/edge/poll"
)

func TestOverloadChangesItsMindSlowly(t *testing.T) {
	const good, middling, bad = lagGood - 1, lagTooLong, lagTooLong + 1
	for _, row := range []struct {
		sentence string
		lags     []time.Duration
		want     bool
	}{
		{"nothing is wrong", []time.Duration{0, good, middling}, false},
		{"two bad looks are not enough", []time.Duration{bad, bad}, false},
		{"three are", []time.Duration{bad, bad, bad}, true},
		{"in a row", []time.Duration{bad, bad, middling, bad, bad}, false},
		{"it lasts while it is middling", []time.Duration{bad, bad, bad, middling, middling, middling, middling, middling, middling}, true},
		{"four good looks do not end it", []time.Duration{bad, bad, bad, good, good, good, good}, true},
		{"five do", []time.Duration{bad, bad, bad, good, good, good, good, good}, false},
		{"in a row, too", []time.Duration{bad, bad, bad, good, good, good, middling, good, good}, true},
		{"and then all begins anew", []time.Duration{bad, bad, bad, good, good, good, good, good, bad, bad}, false},
	} {
		var o overload
		for _, lag := range row.lags {
			o.look(lag)
		}
		if o.on != row.want {
			t.Errorf("%s: %v", row.sentence, o.on)
		}
	}
}

// block keeps a loop busy until what it returns is called.
func (e *fixture) block(loop int) (release func()) {
	e.t.Helper()
	busy := make(chan struct{})
	must(e.t, e.loops.Post(loop, func(*poll.Turn) { <-busy }))
	synctest.Wait()
	return func() { close(busy) }
}

// wantRefused tells when a new client is told to come again.
func (e *fixture) wantRefused(sentence string, why rejection) (retryAfter string) {
	e.t.Helper()
	before := counted(e.t, e.metrics.rejections[why])
	c := e.connect()
	m := regexp.MustCompile(`\r\nRetry-After: (10|[1-9])\r\n`).FindStringSubmatch(c.wantRejected("503"))
	if m == nil {
		e.t.Fatalf("%s: it is not told when to come again", sentence)
	}
	if n := counted(e.t, e.metrics.rejections[why]) - before; n != 1 {
		e.t.Errorf("%s: %d are counted as %s", sentence, n, why)
	}
	_ = c.nc.Close()
	synctest.Wait()
	return m[1]
}

func TestLaggingEdgeRefusesNewClients(t *testing.T) { // P8
	inMemory(t, Config{HandshakeTimeout: -1, PingInterval: -1, IdleTimeout: -1}, func(t *testing.T, e *fixture) {
		slow, early, ana := e.login("slow@example.org/1"), e.connect(), e.login("ana@example.org/1")
		time.Sleep(time.Minute)
		if n := counted(t, e.metrics.overloaded); n != 0 {
			t.Error("overloaded without a load")
		}
		release := e.block(0)
		time.Sleep(2500 * time.Millisecond)
		if n := counted(t, e.metrics.overloaded); n != 0 {
			t.Error("overloaded at once")
		}
		time.Sleep(3 * time.Second)
		if n := counted(t, e.metrics.overloaded); n != 1 {
			t.Error("it does not notice")
		}
		told := map[string]bool{}
		for range 50 {
			told[e.wantRefused("one loop lags", rejectOverloaded)] = true
		}
		if len(told) < 5 {
			t.Errorf("all are told to come together: %v", told)
		}
		early.write([]byte(request))
		early.wantRejected("503")
		release()
		ana.greets("sessions are served on", slow)
		time.Sleep(3 * time.Second)
		e.wantRefused("it is not over at once", rejectOverloaded)
		time.Sleep(5 * time.Second)
		e.login("rui@example.org/1").greets("but soon", ana)
	})
}

func TestFullEdgeRefusesNewClients(t *testing.T) {
	inMemory(t, Config{MaxSessions: 2, MaxPerAddress: 1}, func(t *testing.T, e *fixture) {
		e.dial = e.pipes.from("192.0.2.1")
		ana := e.login("ana@example.org/1")
		e.dial = e.pipes.from("192.0.2.2")
		stranger := e.connect()
		e.dial = e.pipes.from("192.0.2.3")
		e.wantRefused("strangers count", rejectFull)
		_ = stranger.nc.Close()
		synctest.Wait()
		rui := e.login("rui@example.org/1")
		rui.greets("there is room again, and the address is not counted twice", ana)
		e.wantRefused("and then there is not", rejectFull)
	})
}

func TestLagOfLoopsThatHaveEnded(t *testing.T) {
	e := newFixture(t, Config{goroutines: true})
	e.Close()
	for range 3 {
		if lag := e.lag(); lag != 0 {
			t.Errorf("%v", lag)
		}
	}
}
