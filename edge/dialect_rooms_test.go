package edge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

func TestADialectEntersRooms(t *testing.T) { // H-23, H-24, H-27, H-34
	d, h := &listening{}, &hotel{}
	inMemory(t, Config{Rooms: h, Dialects: map[string]dialect.Dialect{"/listen": d}}, func(t *testing.T, e *fixture) {
		h.close("/a")
		c := e.listenAs("in 1 /a", "x")
		c.reads("its session", "hello")
		synctest.Wait()
		if len(h.asked) != 1 || h.asked[0] != (RoomEntry{RoomAddress: RoomAddress{Domain: "rooms.org", Name: "/a", Literal: true}}) {
			t.Fatalf("it asks for %v", h.asked)
		}
		h.doors["/a"] <- nil
		c.isIn("in order")
		c.reads("what was said behind it waits", "x")
		c.write(frame(ws.OpText, "in 2 /a"))
		h.doors["/a"] <- lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "It is full")
		c.reads("it may not be entered", "in false")
		h.mu.Lock()
		h.doors = nil
		h.mu.Unlock()
		c.write(frame(ws.OpText, "in 2 /a"))
		c.isIn("the same room by another id")
		if n := h.publish("/a", "news"); n != 2 {
			t.Errorf("%d take it", n)
		}
		c.reads("once for each", "1: news")
		c.reads("once for each", "2: news")
		h.publish("/a", "silence")
		if n := counted(t, e.metrics.dialects.untold.WithLabelValues("listening")); n != 2 {
			t.Errorf("%d have no frame", n)
		}
		c.write(frame(ws.OpText, "out 1 /a"))
		c.reads("it is over", "out")
		h.publish("/a", "more")
		c.reads("the other one is not", "2: more")
		c.write(frame(ws.OpText, "out 1 /a"))
		c.reads("twice", "out")
		c.write(frame(ws.OpText, "quit"))
		c.reads("the end", "bye")
		c.readsClose("of its own will", 1000, "")
		if left, all := h.left(); left != 2 || all != 2 {
			t.Errorf("%d of %d seats are left", left, all)
		}
	})
	if d.closed != 1 {
		t.Errorf("it is told %d times of its end", d.closed)
	}
}

func TestARoomThatIsEnteredTooLate(t *testing.T) {
	h := &hotel{}
	inMemory(t, Config{Rooms: h, Dialects: map[string]dialect.Dialect{"/listen": &listening{}}}, func(t *testing.T, e *fixture) {
		h.close("/a")
		c := e.listenAs("in 1 /a")
		c.reads("its session", "hello")
		synctest.Wait()
		must(t, e.board.only(t, "l@example.org").to.Deliver([]byte("x")))
		e.board.only(t, "l@example.org").to.End(lime.NewReason(lime.CodeSessionError, "Out"))
		c.reads("the end", "hello")
		c.reads("the end", "bye")
		h.doors["/a"] <- nil
		synctest.Wait()
		if left, all := h.left(); left != 1 || all != 1 {
			t.Errorf("%d of %d seats are left", left, all)
		}
	})
}

func TestASubscriptionThatFailsEndsTheSession(t *testing.T) {
	h := &hotel{}
	inMemory(t, Config{Rooms: h, Dialects: map[string]dialect.Dialect{"/listen": &listening{}}}, func(t *testing.T, e *fixture) {
		h.close("/a")
		c := e.listenAs("in 1 /a", "x")
		c.reads("its session", "hello")
		synctest.Wait()
		h.doors["/a"] <- errors.New("the broker is away")
		c.reads("it is not told that there is no such room", "bye")
		c.readsClose("it may come again", 1000, "")
		if n := counted(t, e.metrics.dialects.dropped.WithLabelValues("listening", dropNoRoom)); n != 1 {
			t.Errorf("%d are counted", n)
		}
	})
}

func TestAClientThatWaitsForARoomIsNotSilent(t *testing.T) {
	h := &hotel{}
	cfg := Config{
		Rooms: h, Dialects: map[string]dialect.Dialect{"/listen": &listening{idle: 4 * time.Second}},
		PingInterval: 2 * time.Second, IdleTimeout: 5 * time.Second, UnfinishedTimeout: 3 * time.Second,
	}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		h.close("/a")
		c := e.listenAs("in 1 /a", "x")
		c.reads("its session", "hello")
		time.Sleep(10 * time.Second)
		h.doors["/a"] <- nil
		c.isIn("it is in")
		c.reads("what it has said meanwhile was only not read", "x")
		began := time.Now()
		for {
			f, ok := <-c.in
			if !ok {
				t.Fatal("it is cut")
			}
			if f.Header.OpCode == ws.OpPing {
				c.write(frame(ws.OpPong, ""))
			} else if string(f.Payload) == "bye" {
				break
			}
		}
		if silent := time.Since(began); silent < 4*time.Second || silent > 5*time.Second {
			t.Errorf("from then on it is silent, and ends after %v", silent)
		}
	})
}

func TestAClientThatWaitsToBeLetInIsNotSilent(t *testing.T) {
	d := &listening{ask: func(ctx context.Context) bool {
		select {
		case <-time.After(10 * time.Second):
			return true
		case <-ctx.Done():
			return false
		}
	}}
	inMemory(t, Config{Dialects: map[string]dialect.Dialect{"/listen": d}, UnfinishedTimeout: 3 * time.Second}, func(_ *testing.T, e *fixture) {
		c := e.listenAs("x")
		c.reads("its session", "hello")
		c.reads("what it had said", "x")
	})
}

func TestAClientThatTakesNoAnswersIsCut(t *testing.T) { // H-34, H-45
	inMemory(t, Config{Rooms: &hotel{}, Dialects: map[string]dialect.Dialect{"/listen": &listening{}}}, func(t *testing.T, e *fixture) {
		c := e.listenAs()
		c.reads("its session", "hello")
		c.stall()
		for range 100 {
			c.write(frame(ws.OpText, strings.Repeat("x", 100)))
			synctest.Wait()
		}
		if n := e.Connections(); n != 0 {
			t.Error("it goes on, and an answer is missing")
		}
	})
}

func TestAnswersToWhatComesAtOnceFit(t *testing.T) { // H-34
	const rate = 2
	cfg := Config{Rooms: &hotel{}, Dialects: map[string]dialect.Dialect{"/listen": &listening{}}, EnvelopeRate: rate}
	inMemory(t, cfg, func(_ *testing.T, e *fixture) {
		c := e.listenAs()
		c.reads("its session", "hello")
		var all []byte
		for i := range 30 { // three times what may wait for it
			all = append(all, frame(ws.OpText, fmt.Sprint(i, strings.Repeat("x", 100)))...)
		}
		c.write(all)
		for i := range 30 {
			c.reads("it has to wait, and nothing more", fmt.Sprint(i, strings.Repeat("x", 100)))
		}
	})
}

// What the client of a dialect says at once takes as long as that of any other: TestManyEnvelopesTakeSomeTime.
func TestWhatAClientOfADialectSaysAtOnceTakesSomeTime(t *testing.T) {
	cfg := Config{Rooms: &hotel{}, Dialects: map[string]dialect.Dialect{"/listen": &listening{}}, EnvelopeRate: 1000}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		c := e.listenAs()
		c.reads("its session", "hello")
		const n = 1000
		var all []byte
		for i := range n {
			all = append(all, frame(ws.OpText, fmt.Sprint(i))...)
		}
		began := time.Now()
		c.write(all)
		for i := range n {
			c.reads("no answer is missing", fmt.Sprint(i))
		}
		if took := time.Since(began); took < 200*time.Millisecond || took > 300*time.Millisecond {
			t.Errorf("it takes %v", took)
		}
	})
}

func TestADialectWithoutRooms(t *testing.T) {
	inMemory(t, Config{Dialects: map[string]dialect.Dialect{"/listen": &listening{}}}, func(_ *testing.T, e *fixture) {
		c := e.listenAs("in 1 /a", "x")
		c.reads("its session", "hello")
		c.reads("there is none", "in false")
		c.reads("it goes on", "x")
	})
}

func TestSomebodyIsAskedAboutAClientOfADialect(t *testing.T) { // H-10
	d := &listening{}
	cfg := Config{
		Dialects: map[string]dialect.Dialect{"/listen": d}, Asking: 1, Waiting: 1, LoginPatience: 2 * time.Second, EstablishTimeout: 10 * time.Second,
	}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		answers := make(chan bool)
		d.ask = func(ctx context.Context) bool {
			select {
			case yes := <-answers:
				return yes
			case <-ctx.Done():
				return false
			}
		}
		first := e.listenAs("x")
		synctest.Wait()
		second := e.listenAs()
		synctest.Wait()
		third := e.listenAs()
		third.reads("too many wait", "bye")
		third.readsClose("too many wait", 1000, "")
		ana := e.login("ana@example.org/1")
		answers <- true
		first.reads("it is let in", "hello")
		first.reads("and what it had said is taken", "x")
		answers <- false
		second.reads("it is not", "bye")

		held := e.listenAs()
		synctest.Wait()
		late := e.listenAs()
		time.Sleep(3 * time.Second)
		answers <- true
		held.reads("it has waited", "hello")
		freed := time.Now()
		late.reads("nobody is asked any more", "bye")
		if took := time.Since(freed); took > time.Second {
			t.Errorf("it is told after %v", took)
		}

		silent := e.listenAs()
		silent.stall()
		time.Sleep(11 * time.Second)
		answers <- true // too late, while the goodbye has yet to leave
		synctest.Wait()
		if n := e.board.len(); n != 3 { // ana, and the two that were let in
			t.Errorf("there are %d places", n)
		}
		silent.goOn()
		silent.reads("the answer never comes", "bye")
		silent.readsClose("the answer never comes", 1000, "")
		ana.says(`{"id":"1","method":"get","uri":"/ping"}`)
		ana.hears("others go on", `{"id":"1","status":"success"}`)
	})
}

func TestAClientOfADialectThatSaysNothing(t *testing.T) { // H-35
	cfg := Config{
		Dialects:     map[string]dialect.Dialect{"/listen": &listening{idle: 310 * time.Second}},
		PingInterval: 30 * time.Second, IdleTimeout: 90 * time.Second,
	}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		c := e.listenAs()
		c.reads("its session", "hello")
		began := time.Now()
		pongs := func(until time.Duration) {
			for time.Since(began) < until {
				f, ok := <-c.in
				if !ok || f.Header.OpCode != ws.OpPing {
					return
				}
				c.write(frame(ws.OpPong, string(f.Payload)))
			}
		}
		pongs(4 * time.Minute)
		c.write(frame(ws.OpText, "x"))
		spoke := time.Now()
		for {
			f, ok := <-c.in
			if !ok {
				t.Fatal("it is cut")
			}
			if f.Header.OpCode == ws.OpPing {
				c.write(frame(ws.OpPong, string(f.Payload)))
			} else if string(f.Payload) == "bye" {
				break
			}
		}
		c.readsClose("in peace", 1000, "")
		if silent := time.Since(spoke); silent < 310*time.Second || silent > 311*time.Second {
			t.Errorf("it ends after %v", silent)
		}
	})
}

func TestAClientOfADialectThatReadsTooSlowlyIsCut(t *testing.T) { // H-45
	d, h := &listening{}, &hotel{}
	inMemory(t, Config{Rooms: h, Dialects: map[string]dialect.Dialect{"/listen": d}}, func(t *testing.T, e *fixture) {
		slow := e.listenAs("in 1 /a")
		slow.reads("its session", "hello")
		slow.isIn("it is in")
		quick := e.listenAs("in 1 /a")
		quick.reads("its session", "hello")
		quick.isIn("it is in")
		slow.stall()
		for i := 0; ; i++ {
			text := fmt.Sprint(i, strings.Repeat("x", 100))
			taken := h.publish("/a", text)
			quick.reads("the others miss nothing", "1: "+text)
			synctest.Wait()
			if left, _ := h.left(); left == 1 {
				if taken != 1 || i < 9 {
					t.Errorf("%d have taken the last of %d", taken, i)
				}
				break
			}
			if i > 100 {
				t.Fatal("it is not cut")
			}
		}
		if d.missed != 1 || counted(t, e.metrics.dialects.dropped.WithLabelValues("listening", string(dropQueueFull))) != 1 {
			t.Errorf("it has missed %d", d.missed)
		}
	})
}

func TestAClientOfADialectThatAsksTooMuchWaits(t *testing.T) { // H-34
	cfg := Config{Rooms: &hotel{}, Dialects: map[string]dialect.Dialect{"/listen": &listening{}}, EnvelopeRate: 10}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		c := e.listenAs()
		c.reads("its session", "hello")
		began := time.Now()
		for i := range 100 {
			c.write(frame(ws.OpText, fmt.Sprint(i)))
			c.reads("no answer is missing", fmt.Sprint(i))
		}
		if took := time.Since(began); took < 5*time.Second {
			t.Errorf("it takes %v", took)
		}
	})
}
