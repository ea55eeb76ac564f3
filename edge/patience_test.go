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

// Few that owe something are let be: they cost nothing, and would come again.
func TestFewHalvesLingerUntilTheyHaveToBeSessions(t *testing.T) {
	cfg := Config{MaxSessions: 20, HandshakeTimeout: 10 * time.Second, UnfinishedTimeout: 7 * time.Second, EstablishTimeout: 45 * time.Second}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		began := time.Now()
		requests, frames := e.halves(2)
		late := e.connect()
		late.write([]byte(request[:len(request)-1]))
		time.Sleep(44 * time.Second)
		late.write([]byte(request[len(request)-1:]))
		late.wantUpgrade()
		requests[0].wantRejected("408")
		requests[1].wantRejected("408")
		for _, c := range frames {
			c.hearsFailed("half of a frame", 21, 1008)
		}
		within(t, "all of them", began, 45*time.Second)
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
	cfg := Config{MaxSessions: 16, HandshakeTimeout: 10 * time.Second, UnfinishedTimeout: 7 * time.Second, EstablishTimeout: 45 * time.Second}
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		requests, frames := e.halves(2) // a quarter
		began := time.Now()
		time.Sleep(18 * time.Second)
		more := e.connect()
		for _, c := range requests {
			c.wantRejected("408")
		}
		within(t, "at the next look they", began, 20*time.Second)
		more.write([]byte(request))
		more.wantUpgrade()
		time.Sleep(time.Until(began.Add(44 * time.Second)))
		for _, c := range frames { // there is room again
			c.hearsFailed("half of a frame", 21, 1008)
		}
		within(t, "the others", began, 45*time.Second)
		requests, frames = e.halves(3)
		began = time.Now()
		for _, c := range frames {
			c.hearsFailed("half of a frame", 21, 1008)
		}
		within(t, "of many those with half of a frame", began, 7*time.Second)
		time.Sleep(time.Until(began.Add(44 * time.Second)))
		for _, c := range requests { // three, when the others are gone
			c.wantRejected("408")
		}
		within(t, "then the rest", began, 45*time.Second)
		ana.greets("nothing happened", ana)
	})
}
