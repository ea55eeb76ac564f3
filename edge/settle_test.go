package edge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// shutdown begins one that has a time.
func (e *fixture) shutdown(within time.Duration) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		e.Shutdown(ctx)
	}()
	synctest.Wait()
	return done
}

func (c *client) isFinished(sentence string) {
	c.t.Helper()
	c.hears(sentence, `{"id":"$id","to":"`+c.node+`","state":"finished"}`)
	c.ends(sentence, 1000)
	synctest.Wait() // the edge is done with it
}

func TestSessionIsFinishedWhenItHasAcknowledgedAll(t *testing.T) { // P7
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		place := e.board.place(ana.node)
		place.owe()
		done := e.shutdown(20 * time.Second)
		time.Sleep(2 * longPause) // both are told to go
		rui.isFinished("who owes nothing goes at once")
		if n := counted(t, e.metrics.settling); n != 1 {
			t.Errorf("%d are settling", n)
		}
		time.Sleep(5 * time.Second)
		ana.greets("who does is served on", ana)
		ana.says(`{"id":"c","method":"get","uri":"/ping"}`)
		ana.hears("and heard", `{"id":"c","status":"success"}`)
		place.acknowledge()
		ana.isFinished("and goes then")
		<-done
		for name, got := range map[string][2]int{
			"drained":    {counted(t, e.metrics.drained), 2},
			"settling":   {counted(t, e.metrics.settling), 0},
			"unsettled":  {counted(t, e.metrics.unsettled), 0},
			"rebalanced": {counted(t, e.metrics.rebalanced), 0},
			"of them":    {int(e.settling.Load()), 0},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %d, not %d", name, got[0], got[1])
			}
		}
	})
}

func TestSessionThatNeverAcknowledgesIsFinishedInTime(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		place := e.board.place(ana.node)
		place.owe()
		began := time.Now()
		done := e.shutdown(20 * time.Second)
		ana.isFinished("its share of the time is over")
		within(t, "then", began, 6*time.Second)
		if n := counted(t, e.metrics.unsettled); n != 1 {
			t.Errorf("%d are counted", n)
		}
		place.acknowledge() // too late, and nobody's
		<-done
	})
}

func TestSessionThatLeavesWhileItSettles(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		places := []*place{e.board.place(ana.node), e.board.place(rui.node)}
		for _, p := range places {
			p.owe()
		}
		done := e.shutdown(20 * time.Second)
		time.Sleep(2 * longPause) // both are told to go
		ana.says(`{"id":"$id","state":"finishing"}`)
		ana.isFinished("as it wants")
		_ = rui.nc.Close()
		<-done
		for _, p := range places {
			p.acknowledge()
		}
		if n := counted(t, e.metrics.drained); n != 0 {
			t.Errorf("%d are counted", n)
		}
		if n := counted(t, e.metrics.settling); n != 0 {
			t.Errorf("%d are settling", n)
		}
	})
}

// Who is asked to go twice is told to settle once, and has the shorter time.
func TestDrainHurriesWhoIsLeavingAlready(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		e.board.place(ana.node).owe()
		c := e.board.recipient(ana.node).(*conn)
		must(t, c.back(func() { c.depart(forOthers, time.Minute) }))
		synctest.Wait()
		began := time.Now()
		done := e.shutdown(20 * time.Second)
		ana.isFinished("the drain does not wait")
		within(t, "it", began, 6*time.Second)
		<-done
		if n := counted(t, e.metrics.rebalanced); n != 1 {
			t.Errorf("%d are counted", n)
		}
	})
}
