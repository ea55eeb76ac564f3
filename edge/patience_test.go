package edge

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// halves are connections of which half of a request has come, and others with half of a frame behind a whole one.
func (e *fixture) halves(each int) (requests, frames []*client) {
	for range each {
		c := e.connect()
		c.write([]byte(request[:len(request)-1]))
		requests = append(requests, c)
		c = e.upgraded()
		b := frame(ws.OpText, `{"state":"new"}`)
		c.write(b[:len(b)-1])
		frames = append(frames, c)
	}
	synctest.Wait()
	return requests, frames
}

// Few that owe something are let be: they cost nothing, and would come again. Who owes nothing has its time.
func TestFewHalvesLinger(t *testing.T) {
	cfg := Config{MaxSessions: 24, HandshakeTimeout: 10 * time.Second, UnfinishedTimeout: 7 * time.Second, EstablishTimeout: 20 * time.Second}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		began := time.Now()
		requests, frames := e.halves(2)
		mute, late := e.upgraded(), e.connect()
		late.write([]byte(request[:len(request)-1]))
		time.Sleep(19 * time.Second)
		mute.hearsFailed("who says nothing", 16, 1000)
		within(t, "it", began, 20*time.Second)
		time.Sleep(time.Until(began.Add(39 * time.Second)))
		late.write([]byte(request[len(request)-1:]))
		late.wantUpgrade()
		for i, c := range frames {
			requests[i].wantRejected("408")
			c.hearsFailed("half of a frame", 21, 1008)
		}
		within(t, "all of them", began, 40*time.Second)
		ana.greets("a session has none of this", ana)
		b := frame(ws.OpText, `{"id":"1"}`)
		ana.write(b[:len(b)-1])
		began = time.Now()
		ana.hearsFailed("half of a frame in a session", 21, 1008)
		within(t, "it", began, 7*time.Second)
	})
}

// As soon as they take places that others need they have as long as one needs for a request.
func TestManyHalvesAreCutByTheDeadline(t *testing.T) {
	cfg := Config{MaxSessions: 16, HandshakeTimeout: 10 * time.Second, UnfinishedTimeout: 7 * time.Second, EstablishTimeout: 25 * time.Second}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		requests, frames := e.halves(2) // a quarter
		hurries := func(want bool) {
			t.Helper()
			if e.hurries() != want {
				t.Errorf("hurries is %v", !want)
			}
		}
		hurries(false)
		began := time.Now()
		time.Sleep(18 * time.Second)
		more := e.connect()
		synctest.Wait()
		hurries(true)
		for _, c := range requests {
			c.wantRejected("408")
		}
		within(t, "at their next look those with a request", began, 20*time.Second)
		synctest.Wait()
		hurries(false)
		more.write([]byte(request))
		more.wantUpgrade()
		time.Sleep(time.Until(began.Add(49 * time.Second)))
		for _, c := range frames { // there was room again
			c.hearsFailed("half of a frame", 21, 1008)
		}
		within(t, "the others", began, 50*time.Second)
		requests, frames = e.halves(3)
		began = time.Now()
		for i, c := range frames {
			c.hearsFailed("half of a frame", 21, 1008)
			_ = requests[i].nc.Close()
		}
		within(t, "of many those with half of a frame", began, 7*time.Second)
		ana.greets("nothing happened", ana)
	})
}

// What is half sent when a login takes long has its time from the session on.
func TestWhatWasHalfSentDuringALogin(t *testing.T) {
	inMemory(t, Config{MaxSessions: 100, UnfinishedTimeout: 7 * time.Second, EstablishTimeout: 20 * time.Second}, func(t *testing.T, e *fixture) {
		release := e.doors.hold("slow")
		c := e.upgraded()
		c.says(`{"state":"new"}`)
		c.hears("schemes", `{"state":"authenticating"}`)
		c.says(`{"id":"$id","from":"slow@example.org/1","state":"authenticating","scheme":"guest"}`)
		b := frame(ws.OpText, `{"id":"1","method":"get","uri":"/ping"}`)
		c.write(b[:len(b)-1])
		time.Sleep(15 * time.Second)
		release()
		c.hears("the login", `{"id":"$id","to":"slow@example.org/1","state":"established"}`)
		time.Sleep(6 * time.Second)
		c.write(b[len(b)-1:])
		c.hears("the answer", `{"id":"1","method":"get","status":"success"}`)
	})
}
