package edge

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/lime"
)

// stages are the connections that are counted in each, but for none.
func (e *fixture) stages() map[string]int {
	e.t.Helper()
	synctest.Wait()
	all := map[string]int{}
	for s, g := range e.metrics.lime {
		if n := counted(e.t, g); n != 0 {
			all[stages[s]] = n
		}
	}
	return all
}

func (e *fixture) wantStages(when string, want map[string]int) {
	e.t.Helper()
	if got := e.stages(); !maps.Equal(got, want) {
		e.t.Errorf("%s: %v, not %v", when, got, want)
	}
}

func TestConnectionsAreCountedByWhatTheyAre(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		e.wantStages("nobody is there", map[string]int{})
		silent := e.dial()
		e.wantStages("who says nothing", map[string]int{"opening": 1})
		strange := e.upgraded()
		e.wantStages("who is upgraded", map[string]int{"opening": 1, "negotiating": 1})
		strange.says(`{"state":"new"}`)
		strange.hears("an offer", `{"state":"authenticating"}`)
		e.wantStages("who is asked for credentials", map[string]int{"opening": 1, "authenticating": 1})
		ana := e.login("ana@example.org/1")
		e.wantStages("a session", map[string]int{"opening": 1, "authenticating": 1, "established": 1})
		e.board.place(ana.node).owe()
		done := e.shutdown(20 * time.Second)
		time.Sleep(6 * longPause)
		if e.stages()["settling"] != 1 {
			t.Errorf("told to go: %v", e.stages())
		}
		e.board.place(ana.node).acknowledge()
		ana.isFinished("it goes")
		must(t, silent.Close())
		<-done
		e.wantStages("all are gone", map[string]int{})
	})
}

func TestSessionsThatDoNotBeginAreCountedByTheirReason(t *testing.T) {
	inMemory(t, Config{EstablishTimeout: time.Second}, func(t *testing.T, e *fixture) {
		for _, c := range []struct {
			why failure
			do  func(c *client)
		}{
			{failedMalformed, func(c *client) {
				c.says("x")
				c.hearsFailed("no envelope", 21, 1000)
			}},
			{failedAuthentication, func(c *client) {
				c.says(`{"state":"new"}`)
				c.hears("an offer", `{"state":"authenticating"}`)
				c.says(`{"id":"$id","state":"authenticating","from":"ana@example.org/1","scheme":"magic","authentication":{}}`)
				c.hearsFailed("no such scheme", 13, 1000)
			}},
			{failedTimeout, func(c *client) {
				time.Sleep(2 * time.Second)
				c.hearsFailed("late", 16, 1000)
			}},
			{failedLeft, func(c *client) { must(t, c.nc.Close()) }},
		} {
			before := counted(t, e.metrics.unbegun[c.why])
			c.do(e.upgraded())
			synctest.Wait()
			if n := counted(t, e.metrics.unbegun[c.why]) - before; n != 1 {
				t.Errorf("%s: %d are counted", c.why, n)
			}
		}
		silent := e.dial() // no client of ours, and none of these
		must(t, silent.Close())
		e.login("ana@example.org/1")
		synctest.Wait()
		all := counted(t, e.metrics.begun)
		for _, c := range e.metrics.unbegun {
			all += counted(t, c)
		}
		if all != 5 {
			t.Errorf("%d are counted in all", all)
		}
	})
}

func TestEveryReasonHasAName(t *testing.T) {
	known := map[failure]bool{}
	for _, f := range failureNames {
		known[f] = true
	}
	for code := range lime.Code(200) {
		if !known[failureOf(code)] {
			t.Errorf("%d is %q", code, failureOf(code))
		}
	}
}

func TestTrafficIsCountedWithoutGarbage(t *testing.T) {
	traffic, all := NewTraffic(prometheus.NewRegistry()), [lime.KindSession + 1]tally{}
	if n := testing.AllocsPerRun(100, func() {
		all[lime.KindMessage] = tally{3, 600}
		traffic.took(&all)
		traffic.Sent(lime.KindMessage, 2, 400)
	}); n != 0 {
		t.Errorf("it allocates %v objects", n)
	}
	if m, b := counted(t, traffic.received[lime.KindMessage].envelopes), counted(t, traffic.sent[lime.KindMessage].bytes); m != 303 || b != 101*400 {
		t.Errorf("%d messages were received, and %d bytes sent", m, b)
	}
}

// BenchmarkTraffic is what it costs to count a turn with one message each way.
func BenchmarkTraffic(b *testing.B) {
	traffic, all := NewTraffic(prometheus.NewRegistry()), [lime.KindSession + 1]tally{}
	for b.Loop() {
		all[lime.KindMessage] = tally{1, 200}
		traffic.took(&all)
		traffic.Sent(lime.KindMessage, 1, 200)
	}
}
