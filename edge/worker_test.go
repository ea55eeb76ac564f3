package edge

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

func TestLoginsBeyondTheBoundAreRefused(t *testing.T) {
	inMemory(t, Config{Establishing: 2, Waiting: 1}, func(_ *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		release := e.doors.hold("slow")
		var slow []*client
		ask := func() *client {
			c := e.upgraded()
			c.says(`{"state":"new"}`)
			c.hears("schemes", `{"state":"authenticating"}`)
			c.says(`{"id":"$id","from":"slow@example.org","state":"authenticating","scheme":"guest"}`)
			synctest.Wait()
			return c
		}
		for range 3 { // two are asked about, one waits
			slow = append(slow, ask())
		}
		ask().hearsFailed("the next one", 11, 1000)
		ana.greets("who is there is not concerned", rui)
		release()
		for _, c := range slow {
			c.hears("who waited comes in, however many wait behind", `{"state":"established"}`)
		}
		ask().hears("and others later", `{"state":"established"}`)
	})
}

func TestLoginsThatHaveWaitedTooLongAreRefused(t *testing.T) {
	inMemory(t, Config{Establishing: 1, EstablishTimeout: time.Minute}, func(t *testing.T, e *fixture) {
		release := e.doors.hold("slow")
		var waiting []*client
		for _, name := range []string{"slow", "ana", "rui"} {
			c := e.upgraded()
			c.says(`{"state":"new"}`)
			c.hears("schemes", `{"state":"authenticating"}`)
			c.says(`{"id":"$id","from":"` + name + `@example.org/1","state":"authenticating","scheme":"guest"}`)
			waiting = append(waiting, c)
			synctest.Wait()
		}
		time.Sleep(4 * time.Second)
		release()
		waiting[0].hears("one that was being looked at comes in", `{"state":"established"}`)
		for _, c := range waiting[1:] {
			c.hearsFailed("others would have been given up soon", 11, 1000)
		}
		e.login("lia@example.org/1")
		if n := counted(t, e.metrics.logins.WithLabelValues("guest", "busy")); n != 2 {
			t.Errorf("%d are counted", n)
		}
	})
}

// Whoever leaves while routing finds its place leaves that, too.
func TestPlaceForAClientThatIsGoneIsGivenUp(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		e.board.held = make(chan struct{})
		c := e.upgraded()
		c.says(`{"state":"new"}`)
		c.hears("schemes", `{"state":"authenticating"}`)
		c.says(`{"id":"$id","from":"eve@example.org/1","state":"authenticating","scheme":"guest"}`)
		synctest.Wait()
		_ = c.nc.Close()
		synctest.Wait()
		close(e.board.held)
		synctest.Wait()
		if n, s := e.board.len(), e.Sessions(); n != 1 || s != 1 {
			t.Errorf("%d places and %d sessions are left", n, s)
		}
		ana.greets("nothing happened", ana)
	})
}

func TestWorkersAreGoneWhenThereIsNoWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(t.Context(), logrus.New(), 3, 100)
		var running, most, done int
		var mu sync.Mutex
		gate := make(chan struct{})
		for range 50 {
			if !w.do(func(*worker) {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				<-gate
				mu.Lock()
				running--
				done++
				mu.Unlock()
			}) {
				t.Fatal("there is room")
			}
		}
		synctest.Wait()
		close(gate)
		w.all.Wait()
		if most != 3 || done != 50 || w.running != 0 {
			t.Errorf("at most %d at once, %d done, %d are left", most, done, w.running)
		}
	})
}

// lockedBuffer is a log that many write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func TestCredentialsAreNeverLogged(t *testing.T) { // L-SES-34
	var out lockedBuffer
	log := logrus.New()
	log.SetOutput(&out)
	log.SetLevel(logrus.TraceLevel)
	inMemory(t, Config{Logger: log}, func(t *testing.T, e *fixture) {
		e.board.refuse(errOurs)
		for _, credentials := range []string{`{"password":"czNjcmV0"}`, `{"password":"d3JvbmcgY3pOamNtVjA="}`, `"czNjcmV0"`} {
			c := e.upgraded()
			c.says(`{"state":"new"}`)
			c.hears("schemes", `{"state":"authenticating"}`)
			c.says(`{"id":"$id","from":"ana@example.org/1","state":"authenticating","scheme":"plain","authentication":` + credentials + `}`)
			f := c.next("failed")
			if f == nil || match(f.Payload, `{"state":"failed"}`) != nil || strings.Contains(string(f.Payload), "secret") {
				t.Errorf("%+v came", f)
			}
		}
		c := e.upgraded()
		c.says(`{"state":"authenticating","authentication":{"password":"czNjcmV0",}}`)
		if f := c.next("failed"); f == nil || strings.Contains(string(f.Payload), "czNjcmV0") {
			t.Errorf("%+v came", f)
		}
	})
	if got := out.b.String(); !strings.Contains(got, "could not be established") || strings.Contains(got, "czNjcmV0") || strings.Contains(got, "d3Jvbmc") {
		t.Errorf("the log is %s", got)
	}
}
