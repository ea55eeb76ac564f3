package edge

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// background writes while nothing may be read.
func (c *client) background(b []byte) (written chan struct{}) {
	written = make(chan struct{})
	go func() {
		defer close(written)
		_, _ = c.nc.Write(b) // or the connection has ended
	}()
	return written
}

// hold has a client held, or let go, from now on.
func (e *fixture) hold(c *client, on bool) {
	e.board.recipient(c.node).Hold(on)
	synctest.Wait()
}

func TestHeldClientIsNotReadFrom(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		e.hold(ana, true)
		message := `{"to":"rui@example.org/1","type":"text/plain","content":"x"}`
		written := ana.background(bytes.Repeat(frame(ws.OpText, message), 100))
		rui.hearsNothing("ana is held")
		rui.greets("what is for her goes on", ana)
		rui.greets("and for others", rui)
		e.hold(ana, true) // as it is
		rui.hearsNothing("ana still is")
		e.hold(ana, false)
		<-written
		for range 100 {
			rui.hears("she goes on where she was", `{"from":"ana@example.org/1","content":"x"}`)
		}
		e.hold(ana, false)
		ana.greets("and on", rui)
	})
}

// A held client cannot be heard, which is not its fault.
func TestHeldClientIsNotSilent(t *testing.T) {
	cfg := Config{PingInterval: 30 * time.Second, IdleTimeout: 90 * time.Second, UnfinishedTimeout: 20 * time.Second}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		ana, rui, eve := e.login("ana@example.org/1"), e.login("rui@example.org/1"), e.login("eve@example.org/1")
		eve.silent.Store(true)
		half := frame(ws.OpText, `{"to":"ana@example.org/1","type":"text/plain","content":"late"}`)
		rui.write(half[:20])
		time.Sleep(10 * time.Second)
		for _, c := range []*client{ana, rui, eve} {
			e.hold(c, true)
		}
		time.Sleep(time.Hour)
		for _, c := range []*client{ana, rui, eve} {
			c.hearsNothing("nobody is pinged, and all live")
		}
		for _, c := range []*client{ana, rui, eve} {
			e.hold(c, false)
		}
		released := time.Now()
		time.Sleep(19 * time.Second)
		rui.write(half[20:])
		ana.hears("half an envelope has all its time again", `{"from":"rui@example.org/1","content":"late"}`)
		time.Sleep(12 * time.Second)
		eve.hearsPing("the times begin anew", "")
		time.Sleep(58 * time.Second)
		eve.hears("the end", `{"state":"finished"}`)
		within(t, "who answers nothing is finished", released, 90*time.Second)
		ana.greets("who answers is not", rui)
	})
}

// The pong that is not read is no missing one.
func TestHoldWhileAPingIsUnderWay(t *testing.T) {
	inMemory(t, Config{PingInterval: 30 * time.Second, IdleTimeout: 90 * time.Second}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		ana.silent.Store(true)
		time.Sleep(31 * time.Second)
		ana.hearsPing("it is pinged", "")
		e.hold(ana, true)
		time.Sleep(10 * time.Minute)
		e.hold(ana, false)
		time.Sleep(29 * time.Second)
		ana.hearsNothing("its times begin anew")
		time.Sleep(2 * time.Second)
		ana.hearsPing("and it is pinged again", "")
		ana.write(frame(ws.OpPong, ""))
		time.Sleep(70 * time.Second)
		ana.silent.Store(false)
		ana.write(frame(ws.OpPong, ""))
		ana.greets("it lives", ana)
	})
}

// Of the two reasons not to read, either is enough.
func TestHoldAndFloodPauseDoNotEndEachOther(t *testing.T) {
	message := `{"to":"rui@example.org/1","type":"text/plain","content":"x"}`
	flood := bytes.Repeat(frame(ws.OpText, message), 500)
	flooded := func(t *testing.T, e *fixture) (ana, rui *client, written chan struct{}) {
		ana, rui = e.login("ana@example.org/1"), e.login("rui@example.org/1")
		written = ana.background(flood)
		synctest.Wait() // a pause has begun
		for len(rui.in) > 0 {
			<-rui.in
		}
		return ana, rui, written
	}
	cfg := Config{EnvelopeRate: 5}
	t.Run("the pause ends first", func(t *testing.T) {
		inMemory(t, cfg, func(t *testing.T, e *fixture) {
			ana, rui, written := flooded(t, e)
			e.hold(ana, true)
			time.Sleep(10 * time.Second)
			rui.hearsNothing("she is held")
			select {
			case <-written:
				t.Error("all was read")
			default:
			}
			e.hold(ana, false)
			<-written
			rui.hears("the rate has recovered", `{"content":"x"}`)
		})
	})
	t.Run("the hold ends first", func(t *testing.T) {
		inMemory(t, cfg, func(t *testing.T, e *fixture) {
			ana, rui, written := flooded(t, e)
			before := counted(t, e.metrics.dropped[dropRate])
			e.hold(ana, true)
			e.hold(ana, false)
			if n := counted(t, e.metrics.dropped[dropRate]); n != before {
				t.Errorf("%d more are refused: it was read on", n-before)
			}
			rui.hears("it is read after the pause", `{"content":"x"}`)
			<-written
		})
	})
}

func TestHeldClientThatTakesNothingIsCut(t *testing.T) { // L-TRN-11, P8
	for name, cfg := range map[string]Config{
		"with pings":    {StallTimeout: 30 * time.Second},
		"without pings": {StallTimeout: 30 * time.Second, PingInterval: -1, IdleTimeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, cfg, func(t *testing.T, e *fixture) {
				ana, eve := e.login("ana@example.org/1"), e.login("eve@example.org/1")
				e.hold(eve, true)
				time.Sleep(time.Hour)
				eve.stall()
				began := time.Now()
				for range 3 {
					ana.says(`{"to":"eve@example.org/1","type":"text/plain","content":"x"}`)
				}
				for e.Connections() == 2 {
					time.Sleep(time.Second)
					synctest.Wait()
				}
				if took := time.Since(began); took < 30*time.Second || took > 65*time.Second {
					t.Errorf("eve is cut after %v", took)
				}
			})
		})
	}
}

func TestHeldSessionCanBeEnded(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		e.hold(ana, true)
		to := e.board.recipient(ana.node)
		to.End(lime.NewReason(lime.CodeSessionRegistrationError, "A newer session has this node"))
		ana.hearsFailed("held", 12, 1000)
		to.Hold(false)
		to.Hold(true)
		e.hold(rui, true)
		_ = ana.nc.Close()
		e.Shutdown(t.Context())
		rui.hears("finished", `{"state":"finished"}`)
		rui.ends("and closed", 1000)
	})
}

// Whatever is said how fast, the last word counts, and nothing is lost or reordered.
func TestHoldFromAnywhere(t *testing.T) {
	each(t, Config{EnvelopeRate: -1, ByteRate: -1, SendQueue: 4 << 20}, func(_ *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		to := e.board.recipient(ana.node)
		to.Hold(true)
		var holding sync.WaitGroup
		for range 3 {
			holding.Go(func() {
				for i := range 500 {
					to.Hold(i%2 == 0)
				}
			})
		}
		holding.Go(func() {
			content := strings.Repeat("x", 2000)
			for i := range 500 {
				ana.says(fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"%s"}`, i, content))
			}
		})
		for i := range 500 {
			rui.hears("in order", fmt.Sprintf(`{"id":"%d"}`, i))
			to.Hold(false)
		}
		holding.Wait()
	})
}
