package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

func TestShutdownFinishesEverySession(t *testing.T) { // L-FIN-05
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		var clients []*client
		for i := range 50 {
			clients = append(clients, e.login(fmt.Sprintf("c%d@example.org/1", i)))
		}
		e.doors.hold("slow")
		upgraded, waiting, silent, half := e.upgraded(), e.upgraded(), e.connect(), e.connect()
		waiting.says(`{"state":"new"}`)
		waiting.hears("schemes", `{"state":"authenticating"}`)
		waiting.says(`{"id":"$id","from":"slow@example.org/1","state":"authenticating","scheme":"guest"}`)
		half.write([]byte(request[:50]))
		synctest.Wait()
		if e.Draining() {
			t.Error("it drains before it is told to")
		}
		began := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			e.Shutdown(t.Context())
		}()
		for _, c := range clients {
			c.hears("finished", `{"id":"$id","state":"finished","to":"`+c.node+`","reason":null}`)
			c.ends("and closed", 1000)
		}
		upgraded.hearsFailed("who has no session yet", 11, 1000)
		waiting.hearsFailed("who is about to have one", 11, 1000)
		for _, c := range []*client{silent, half} {
			if b, err := io.ReadAll(c.nc); err != nil || len(b) != 0 {
				t.Errorf("half a request is answered by %q, %v", b, err)
			}
		}
		<-done
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v although all went at once", took)
		}
		e.Shutdown(t.Context()) // may be called twice
	})
}

func TestUpgradeWhileDrainingIsRefused(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		ana.stall() // so that draining takes its time
		for range 3 {
			ana.says(`{"id":"c","method":"get","uri":"/ping"}`)
		}
		synctest.Wait()
		done := make(chan struct{})
		go func() {
			defer close(done)
			e.Shutdown(t.Context())
		}()
		synctest.Wait()
		c := e.connect()
		c.write([]byte(request))
		if answer := c.wantRejected("503"); !strings.Contains(answer, "\r\nRetry-After: ") || !e.Draining() {
			t.Errorf("it is not told when to come again: %q", answer)
		}
		if n := counted(t, e.metrics.rejections[rejectDraining]); n != 1 {
			t.Errorf("%d are counted", n)
		}
		ana.goOn()
		for range 3 {
			ana.hears("what waited", `{"id":"c","status":"success"}`)
		}
		ana.hears("and then", `{"state":"finished"}`)
		ana.ends("closed", 1000)
		<-done
	})
}

func TestShutdownCutsWhoDoesNotEndInTime(t *testing.T) {
	inMemory(t, Config{CloseTimeout: time.Minute}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		ana.stall()
		for range 3 {
			ana.says(`{"id":"c","method":"get","uri":"/ping"}`)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		e.Shutdown(ctx)
		within(t, "cut", began, 10*time.Second)
	})
}

func TestClientThatDoesNotReadItsEndIsCut(t *testing.T) { // L-FIN-07
	inMemory(t, Config{CloseTimeout: 5 * time.Second}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		ana.stall()
		for range 3 {
			ana.says(`{"id":"c","method":"get","uri":"/ping"}`)
		}
		synctest.Wait()
		began := time.Now()
		e.Shutdown(t.Context())
		within(t, "cut", began, 5*time.Second)
	})
}

// Many sessions are finished in lots, so that not all come back at once.
func TestShutdownTakesItsTimeForMany(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		for range 4*drainLot + 1 {
			e.connect()
		}
		synctest.Wait()
		began := time.Now()
		e.Shutdown(t.Context())
		if took := time.Since(began); took < 4*shortPause/2 || took > 4*shortPause*3/2 {
			t.Errorf("it took %v, not %v, less or more a half", took, 4*shortPause)
		}
	})
}

func TestPlanOfADrain(t *testing.T) {
	for _, row := range []struct {
		sessions int
		left     time.Duration
		want     drainPlan
	}{
		{1, 20 * time.Second, drainPlan{1, longPause, 6 * time.Second}},
		{50, 20 * time.Second, drainPlan{1, longPause, 6 * time.Second}},
		{80, 20 * time.Second, drainPlan{1, 125 * time.Millisecond, 6 * time.Second}},
		{100, 20 * time.Second, drainPlan{1, shortPause, 6 * time.Second}},
		{101, 20 * time.Second, drainPlan{2, 10 * time.Second / 51, 6 * time.Second}},
		{10_000, 20 * time.Second, drainPlan{100, shortPause, 6 * time.Second}},
		{1_000_000, 100 * time.Second, drainPlan{2000, shortPause, 30 * time.Second}},
		{1000, 0, drainPlan{1000, 0, 0}},
		{1000, -time.Second, drainPlan{1000, 0, 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(row.left))
			defer cancel()
			if got := planDrain(ctx, row.sessions); got != row.want {
				t.Errorf("%d sessions in %v: %+v, not %+v", row.sessions, row.left, got, row.want)
			}
		})
	}
	if got, want := planDrain(t.Context(), 1000), (drainPlan{drainLot, shortPause, settleTime}); got != want {
		t.Errorf("without an end: %+v, not %+v", got, want)
	}
}

func TestShutdownOfNobodyIsDoneAtOnce(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		began := time.Now()
		e.Shutdown(t.Context())
		within(t, "nobody to wait for", began, 0)
	})
}

// Under load, over real sockets: whatever a client was sent is whole to the last
// byte, and ends with finished and a close frame.
func TestDrainCutsNothingInTheMiddle(t *testing.T) {
	each(t, Config{EnvelopeRate: -1, ByteRate: -1}, func(t *testing.T, e *fixture) {
		const n = 8
		content := strings.Repeat("x", 3000)
		clients := make([]*client, n)
		for i := range clients {
			clients[i] = e.login(fmt.Sprintf("c%d@example.org/1", i))
		}
		var writing sync.WaitGroup
		stop := make(chan struct{})
		for i, c := range clients {
			to := clients[(i+1)%n].node
			writing.Go(func() {
				b := frame(ws.OpText, `{"to":"`+to+`","type":"text/plain","content":"`+content+`"}`)
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := c.nc.Write(b); err != nil {
						return
					}
				}
			})
		}
		for _, c := range clients {
			c.hears("the load", `{"type":"text/plain"}`)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			e.Shutdown(t.Context())
		}()
		for _, c := range clients {
			for f := c.next("finished"); match(f.Payload, `{"state":"finished"}`) != nil; f = c.next("finished") {
				if f == nil {
					t.Fatalf("the end came before finished: %v", c.err)
				}
				var h lime.Header
				if k, err := h.Scan(f.Payload); err != nil || k != len(f.Payload) {
					t.Fatalf("%v: %q", err, f.Payload)
				}
			}
			c.ends("right after finished", 1000)
		}
		close(stop)
		for _, c := range clients {
			_ = c.nc.Close()
		}
		writing.Wait()
		<-done
	})
}

func TestCloseCutsAtOnceAndTwice(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		e.Close()
		e.Close()
		if f := ana.next("the end"); f != nil || !errors.Is(ana.err, io.EOF) {
			t.Errorf("%+v, %v", f, ana.err)
		}
	})
}

func TestRunAfterCloseEndsAtOnce(t *testing.T) {
	e, err := New(Config{ID: "e1", Domains: []string{"x"}, Router: newSwitchboard(), Authenticator: &doorkeeper{}})
	must(t, err)
	e.Close()
	must(t, e.Run())
}

func TestServeReturnsTheListenersError(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ln := closedListener{}
		if err := e.Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

// closedListener has nobody to accept.
type closedListener struct{}

func (closedListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (closedListener) Close() error              { return nil }
func (closedListener) Addr() net.Addr            { return &net.TCPAddr{} }
