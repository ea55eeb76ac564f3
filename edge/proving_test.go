package edge

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fixtureTCP is an edge in a bubble, where no system gives its word.
func fixtureTCP(t *testing.T, cfg Config) *fixture {
	t.Helper()
	cfg.goroutines = true
	e := newFixture(t, cfg)
	e.over = overTCP
	e.runInMemory()
	synctest.Wait()
	return e
}

// silent begins a session of a client that answers no pings.
func (e *fixture) silent(node string) (*tcpClient, *place) {
	e.t.Helper()
	c := e.tcp()
	c.silent.Store(true)
	go c.read()
	c.login(node)
	return c, e.board.place(node)
}

// An answer above the rate is dropped like anything else, and asked for again.
func TestAnswerThatWasDroppedIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fixtureTCP(t, Config{EnvelopeRate: 10})
		ana := e.tcpLogin("ana@example.org/1")
		synctest.Wait()
		place := e.board.place(ana.node)
		ana.silent.Store(true)
		go ana.asks(e, 1, message200)
		ana.hears("what was delivered", `{"type":"text/plain"}`)
		go ana.says(strings.Repeat(`{"to":"nobody@example.org/1","type":"text/plain","content":"x"}`, 40) +
			`{"id":"ping-1","method":"get","status":"success"}`)
		synctest.Wait()
		if got := place.proved(); len(got) != 0 {
			t.Fatalf("the answer was within the rate: %v", got)
		}
		ana.silent.Store(false)
		time.Sleep(2 * pingPatience)
		synctest.Wait()
		if got := place.proved(); len(got) != 1 {
			t.Errorf("proved are %v", got)
		}
	})
}

// A client that was silent when it was asked is asked again by the ping for the silent.
func TestPingForTheSilentAsksForTheOpenProbe(t *testing.T) {
	d := established(t)
	c := &conn{session: d.session, special: &special{proving: new(proving)}}
	if n := c.open(); n != 0 {
		t.Errorf("without a probe %d is open", n)
	}
	c.probed.Store(3)
	c.proving().number = 3
	if n := c.open(); n != 3 {
		t.Errorf("%d is open, not 3", n)
	}
	c.has(3)
	if n := c.open(); n != 0 {
		t.Errorf("%d is open though it is proved", n)
	}
}

// Who answers late, when the system is being asked already, is asked for what is open.
func TestLateFirstAnswerIsEnough(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux gives its word")
	}
	eachTCP(t, Config{pingPatience: 200 * time.Millisecond, SendQueue: 64 << 20}, func(t *testing.T, e *fixture) {
		ana, place := e.silent("ana@example.org/1")
		ana.asks(e, 1, message200)
		ana.hears("what was delivered", `{"type":"text/plain"}`)
		wantProofs(t, place, 1) // by the system's word

		ana.gate.Lock()
		for range many - 1 {
			must(t, e.board.recipient(ana.node).Deliver([]byte(bigMessage)))
		}
		ana.asks(e, 2, bigMessage)
		c := e.board.recipient(ana.node).(*conn)
		ana.says(`{"id":"ping-0","method":"get","status":"success"}`)
		for answers := false; !answers; { // it was heard
			heard := make(chan bool)
			must(t, c.back(func() { heard <- c.proving().answers }))
			answers = <-heard
		}
		ana.silent.Store(false)
		ana.gate.Unlock()
		for range many {
			ana.hears("when it reads", `{"id":"m","type":"text/plain"}`)
		}
		wantProofs(t, place, 1, 2)
	})
}

// The time in which nothing is read from a client is not its time to answer.
func TestWhoIsNotReadHasTimeToAnswer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux gives its word")
	}
	eachTCP(t, Config{pingPatience: time.Hour}, func(t *testing.T, e *fixture) {
		ana, place := e.silent("ana@example.org/1")
		ana.asks(e, 1, message200)
		ana.hears("its system has it", `{"type":"text/plain"}`)
		c := e.board.recipient(ana.node).(*conn)
		// on has the loop do something, and waits for it.
		on := func(fn func()) {
			done := make(chan struct{})
			must(t, c.back(func() { fn(); close(done) }))
			<-done
		}
		// hoursAgo makes its time be over, and has the loop look.
		hoursAgo := func() {
			c.proving().asked -= instant(2 * time.Hour)
			c.proving().look = c.edge.instant(c.turn().Now)
			c.lookAgain()
		}
		on(func() { c.held = true; hoursAgo() })
		on(func() { c.held = false; c.patient(); c.proving().look = never })
		on(func() {
			c.proving().look = c.edge.instant(c.turn().Now)
			c.lookAgain()
		})
		if got := place.proved(); len(got) != 0 || c.told.has(flagDeaf) {
			t.Fatalf("proved are %v, of a client that was not read", got)
		}
		on(hoursAgo)
		wantProofs(t, place, 1)
	})
}

func TestTransportsAreCounted(t *testing.T) {
	eachTCP(t, Config{}, func(t *testing.T, e *fixture) {
		e.tcpLogin("ana@example.org/1")
		if tcp, web := counted(t, e.metrics.accepted[overTCP]), counted(t, e.metrics.accepted[overWebSocket]); tcp != 1 || web != 0 {
			t.Errorf("%d over TCP and %d over WebSocket", tcp, web)
		}
	})
}
