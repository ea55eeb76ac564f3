package edge

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/edge/poll"
)

// look looks at the sessions in a fixture.
func (e *fixture) look(n int) (busiest, slowest []Sight) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), patience)
	defer cancel()
	return e.Sights(ctx, n)
}

func TestTheBusiestSessionsAreSeenWhileSomebodyLooks(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		e.login("lia@example.org/1") // who says nothing
		says := func(n int) {
			for range n {
				ana.says(`{"to":"rui@example.org","type":"text/plain","content":"x"}`)
				rui.hears("a message", `{"content":"x"}`)
			}
		}
		says(3) // before anybody looks
		if busy, slow := e.look(5); len(busy)+len(slow) != 0 {
			t.Fatalf("the first look shows %v and %v", busy, slow)
		}
		says(20)
		ana.says(`{"to":"ana@example.org","type":"text/plain","content":"y"}`)
		ana.hears("a message", `{"content":"y"}`)
		time.Sleep(2 * time.Second)
		busy, _ := e.look(5)
		if len(busy) != 2 || busy[0].Node != "ana@example.org/1" || busy[1].Node != "rui@example.org/1" {
			t.Fatalf("the busiest are %v", busy)
		}
		if a, r := busy[0], busy[1]; a.Received.Envelopes != 10.5 || a.Sent.Envelopes != 0.5 || r.Sent.Envelopes != 10 || r.Received.Envelopes != 0 {
			t.Errorf("ana has %v and %v, rui %v and %v", a.Received, a.Sent, r.Received, r.Sent)
		}
		if busy[0].Received.Bytes < 20*50/2 || busy[0].Over != "websocket" {
			t.Errorf("ana is shown as %+v", busy[0])
		}
		if one, _ := e.look(1); len(one) != 1 {
			t.Errorf("of one that is asked for, %v are shown", one)
		}
		time.Sleep(2 * time.Second)
		if busy, _ := e.look(5); len(busy) != 0 {
			t.Errorf("what was is shown again: %v", busy)
		}
		time.Sleep(meterTime + 2*tendInterval)
		if e.meter.Load() != nil {
			t.Error("it counts though nobody looks")
		}
	})
}

func TestWhoHasGoneIsNotSeen(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		e.look(5)
		ana.says(`{"to":"ana@example.org","type":"text/plain","content":"y"}`)
		ana.hears("a message", `{"content":"y"}`)
		ana.says(`{"id":"$id","state":"finishing"}`)
		synctest.Wait()
		time.Sleep(time.Second)
		if busy, _ := e.look(5); len(busy) != 0 {
			t.Errorf("the busiest are %v", busy)
		}
	})
}

func TestSlowSessionsAreSeen(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		rui.stall()
		for range 20 {
			ana.says(`{"to":"rui@example.org","type":"text/plain","content":"x"}`)
		}
		synctest.Wait()
		if _, slow := e.look(5); len(slow) != 0 {
			t.Errorf("at the first look %v are slow: it may be the moment", slow)
		}
		time.Sleep(2 * time.Millisecond)
		if _, slow := e.look(5); len(slow) != 0 {
			t.Errorf("when another one looks at the same moment %v are slow", slow)
		}
		time.Sleep(3 * time.Second)
		_, slow := e.look(5)
		if len(slow) != 1 || slow[0].Node != "rui@example.org/1" || slow[0].Slow != 3*time.Second+2*time.Millisecond || slow[0].Queued < 1000 {
			t.Fatalf("slow are %+v", slow)
		}
		rui.goOn()
		time.Sleep(leastLook)
		if _, slow := e.look(5); len(slow) != 0 {
			t.Errorf("slow are %+v still", slow)
		}
	})
}

func TestAMeterIsBounded(t *testing.T) {
	m := new(meter)
	conns := make([]conn, 2*meterParts*meterKnows)
	for i := range conns {
		m.count(&conns[i].socket, tally{1, 10}, tally{})
		m.count(&conns[i].socket, tally{}, tally{1, 10})
	}
	if got := len(m.take(len(conns))); got > meterParts*meterKnows || got < meterParts*meterKnows/2 {
		t.Errorf("%d are known", got)
	}
	if got := len(m.take(1)); got != 0 {
		t.Errorf("%d are known after that", got)
	}
}

func TestWhoLooksWaitsForNoLoopForLong(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		e.look(5)
		ana.says(`{"to":"ana@example.org","type":"text/plain","content":"y"}`)
		ana.hears("a message", `{"content":"y"}`)
		time.Sleep(time.Second)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		release := make(chan struct{})
		for i := range e.loops.Loops() {
			must(t, e.loops.Post(i, func(*poll.Turn) { <-release }))
		}
		patient := make(chan struct{})
		go func() {
			defer close(patient)
			e.Sights(t.Context(), 5)
		}()
		synctest.Wait()
		busy, slow := e.Sights(over, 5) // nor for another one who does
		close(release)
		<-patient
		if len(busy)+len(slow) != 0 {
			t.Errorf("of loops that are busy, %v and %v are told", busy, slow)
		}
	})
}

func TestSurplusMovesAtOnceWhenSomebodyAsks(t *testing.T) {
	crowd(t, 40, func(e *fixture, n *neighbors, _ []*client) {
		time.Sleep(2 * steadyTime)
		if got := e.Sessions(); got != 40 {
			t.Fatalf("%d are left though nobody has asked", got)
		}
		if surplus, err := e.Rebalance(); err != nil || surplus != 20 {
			t.Errorf("the surplus is %d, %v", surplus, err)
		}
		time.Sleep(time.Minute)
		if got := e.Sessions(); got < 20 || got > 22 {
			t.Errorf("%d are left", got)
		}
		n.are(func() []Load { return loads(100) })
		if surplus, err := e.Rebalance(); err != nil || surplus != 0 {
			t.Errorf("below the mean the surplus is %d, %v", surplus, err)
		}
	})
}

func TestRebalanceThatCannotBeSaysWhy(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		if _, err := e.Rebalance(); !errors.Is(err, ErrNoRebalance) {
			t.Errorf("without peers: %v", err)
		}
	})
	inMemory(t, Config{Peers: &neighbors{loads: func() []Load { return nil }}}, func(t *testing.T, e *fixture) {
		<-e.shutdown(time.Second)
		if _, err := e.Rebalance(); !errors.Is(err, ErrNoRebalance) {
			t.Errorf("while it drains: %v", err)
		}
	})
}

// What it costs to deliver to a session that nobody looks at, and that somebody does.
func BenchmarkMeter(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprintf("watched=%t", on), func(b *testing.B) {
			e := new(Edge)
			if on {
				e.meter.Store(new(meter))
			}
			c := &conn{edge: e}
			b.ReportAllocs()
			for b.Loop() {
				c.meterSent(1, 100)
			}
		})
	}
}
