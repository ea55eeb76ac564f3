package edge

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// within tells that something took about as long as it should.
func within(t *testing.T, sentence string, began time.Time, want time.Duration) {
	t.Helper()
	if took := time.Since(began); took < want || took > want+time.Second {
		t.Errorf("%s: after %v, not %v", sentence, took, want)
	}
}

func TestSessionThatIsNotEstablishedInTimeFails(t *testing.T) { // L-SES-28
	inMemory(t, Config{EstablishTimeout: 15 * time.Second}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		release := e.doors.hold("slow")
		began := time.Now()
		mute, asked, waiting := e.upgraded(), e.upgraded(), e.upgraded()
		asked.says(`{"state":"new"}`)
		asked.hears("schemes", `{"state":"authenticating"}`)
		waiting.says(`{"state":"new"}`)
		waiting.hears("schemes", `{"state":"authenticating"}`)
		waiting.says(`{"id":"$id","from":"slow@example.org/1","state":"authenticating","scheme":"guest"}`)
		for name, c := range map[string]*client{"who says nothing": mute, "who does not log in": asked, "whose login takes too long": waiting} {
			c.hearsFailed(name, 16, 1000)
		}
		within(t, "all of them", began, 15*time.Second)
		release()
		synctest.Wait()
		if n := e.board.len(); n != 2 {
			t.Errorf("%d have a place", n)
		}
		ana.greets("nothing happened", rui)
	})
}

// A client that says nothing but pong lives for ever: L-TRN-09.
func TestClientThatAnswersPingsIsNotIdle(t *testing.T) {
	inMemory(t, Config{PingInterval: 30 * time.Second, IdleTimeout: 90 * time.Second}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		pings := 0
		for hour := time.Now().Add(time.Hour); time.Now().Before(hour); {
			time.Sleep(time.Second)
			synctest.Wait()
			for len(ana.in) > 0 {
				f, ok := <-ana.in
				if !ok || f.Header.OpCode != ws.OpPing {
					t.Fatalf("after %v: %v, %d %q", time.Until(hour)-time.Hour, ok, f.Header.OpCode, f.Payload)
				}
				pings++
			}
		}
		if pings < 100 || pings > 121 {
			t.Errorf("%d pings in an hour, one is due each half a minute", pings)
		}
		ana.greets("the session lives", ana)
	})
}

func TestSilentClientIsFinished(t *testing.T) { // L-TRN-10
	inMemory(t, Config{PingInterval: 30 * time.Second, IdleTimeout: 90 * time.Second, StallTimeout: -1}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		ana.silent.Store(true)
		began := time.Now()
		f := <-ana.in
		within(t, "a ping", began, 30*time.Second)
		if f.Header.OpCode != ws.OpPing {
			t.Errorf("%d %q came", f.Header.OpCode, f.Payload)
		}
		f = <-ana.in
		within(t, "the end", began, 90*time.Second)
		if err := match(f.Payload, ana.text(`{"id":"$id","from":"`+server+`","to":"ana@example.org/1","state":"finished","reason":null}`)); err != nil {
			t.Error(err)
		}
		ana.ends("politely", 1000)
	})
}

func TestWhoeverSendsIsNotPinged(t *testing.T) {
	inMemory(t, Config{PingInterval: 30 * time.Second, IdleTimeout: 90 * time.Second}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		for range 60 {
			time.Sleep(20 * time.Second)
			ana.write(frame(ws.OpPong, "")) // as .NET does
		}
		synctest.Wait()
		if len(ana.in) != 0 {
			t.Errorf("%d frames came", len(ana.in))
		}
	})
}

func TestStalledReaderHoldsUpNobody(t *testing.T) { // L-TRN-11, P8
	const queue = 32 << 10
	inMemory(t, Config{SendQueue: queue, StallTimeout: 30 * time.Second}, func(t *testing.T, e *fixture) {
		ana, rui, eve := e.login("ana@example.org/1"), e.login("rui@example.org/1"), e.login("eve@example.org/1")
		eve.silent.Store(true)
		eve.stall()
		began := time.Now()
		content := strings.Repeat("x", 1000)
		for i := range 100 {
			ana.says(fmt.Sprintf(`{"id":"%d","to":"eve@example.org/1","type":"text/plain","content":"%s"}`, i, content))
			ana.greets("rui gets all while eve is stalled", rui)
		}
		ana.hearsNothing("nobody hears of it, routing knows")
		if n := e.board.dropped(); n < 60 || n > 75 {
			t.Errorf("%d of 100 envelopes did not fit into %d bytes", n, queue)
		}
		for range 100 { // answers of the edge itself
			eve.says(`{"id":"c","method":"get","uri":"/ping"}`)
		}
		synctest.Wait()
		if n := counted(t, e.metrics.dropped[dropQueueFull]); n < 90 {
			t.Errorf("%d of 100 answers are counted as %s", n, dropQueueFull)
		}
		for n := 3; n == 3; n = e.Connections() {
			time.Sleep(time.Second)
			ana.greets("still", rui)
		}
		if took := time.Since(began); took < 30*time.Second || took > 95*time.Second {
			t.Errorf("eve is cut after %v", took)
		}
		if n := counted(t, e.metrics.stalls); n != 1 {
			t.Errorf("%d stalls are counted", n)
		}
		eve.goOn()
		heard := 0
		for range eve.in {
			heard++
		}
		if heard > 40 {
			t.Errorf("eve hears %d frames in the end", heard)
		}
	})
}

func TestStalledReaderIsCutWithoutPingsToo(t *testing.T) {
	inMemory(t, Config{PingInterval: -1, IdleTimeout: -1, StallTimeout: 30 * time.Second}, func(t *testing.T, e *fixture) {
		ana, eve := e.login("ana@example.org/1"), e.login("eve@example.org/1")
		time.Sleep(time.Hour)
		eve.stall()
		began := time.Now()
		for range 3 {
			ana.says(`{"to":"eve@example.org/1","type":"text/plain","content":"x"}`)
		}
		for e.Connections() == 2 {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took < 30*time.Second || took > 65*time.Second {
			t.Errorf("eve is cut after %v", took)
		}
		ana.greets("who is silent is left alone", ana)
	})
}

// Those who stall together, as on a network that is gone, do not all come back in the same second.
func TestThoseWhoStallAtOnceAreNotCutAtOnce(t *testing.T) {
	const clients = 40
	inMemory(t, Config{PingInterval: -1, IdleTimeout: -1, StallTimeout: 30 * time.Second}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		for i := range clients {
			e.login(fmt.Sprintf("eve@example.org/%d", i)).stall()
		}
		time.Sleep(time.Hour)
		for i := range clients {
			for range 3 {
				ana.says(fmt.Sprintf(`{"to":"eve@example.org/%d","type":"text/plain","content":"x"}`, i))
			}
		}
		most, left := 0, e.Connections()
		for left > 1 {
			time.Sleep(time.Second)
			now := e.Connections()
			most, left = max(most, left-now), now
		}
		if most > clients*3/4 {
			t.Errorf("%d of %d are cut within a second", most, clients)
		}
	})
}

// A reader that is slow, but reads, is not stalled, however full its queue is each
// time that one looks.
func TestSlowReaderIsNotCut(t *testing.T) {
	inMemory(t, Config{SendQueue: 32 << 10, PingInterval: 10 * time.Second, StallTimeout: 10 * time.Second}, func(t *testing.T, e *fixture) {
		ana, eve := e.login("ana@example.org/1"), e.login("eve@example.org/1")
		content := strings.Repeat("x", 900)
		write := func() {
			ana.says(`{"to":"eve@example.org/1","type":"text/plain","content":"` + content + `"}`)
		}
		eve.stalled.Store(true)
		for range 60 {
			write()
		}
		for second := range 120 {
			for range 4 {
				time.Sleep(time.Second / 4)
				eve.resume <- struct{}{} // one frame
				write()                  // the queue is full at once
				write()
			}
			synctest.Wait()
			if e.Connections() != 2 {
				t.Fatalf("a client that reads four frames a second is cut after %d s", second)
			}
		}
		eve.goOn()
		ana.greets("and still there", ana)
	})
}

// Somebody who is busy has something in the queue at any moment.
func TestBusyReaderIsNotCut(t *testing.T) {
	inMemory(t, Config{PingInterval: 10 * time.Second, StallTimeout: 10 * time.Second}, func(t *testing.T, e *fixture) {
		ana, eve := e.login("ana@example.org/1"), e.login("eve@example.org/1")
		for range 100 {
			eve.stalled.Store(true)
			ana.says(`{"to":"eve@example.org/1","type":"text/plain","content":"1"}`)
			ana.says(`{"to":"eve@example.org/1","type":"text/plain","content":"2"}`)
			time.Sleep(999 * time.Millisecond) // something waits nearly all the time
			eve.stalled.Store(false)
			eve.resume <- struct{}{}
			eve.hears("all", `{"content":"1"}`)
			eve.hears("all", `{"content":"2"}`)
			time.Sleep(time.Millisecond)
		}
		if e.Connections() != 2 {
			t.Error("it was cut")
		}
	})
}
