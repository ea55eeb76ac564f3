package routing

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"limegrove/lime"
)

// ofItsOwn is how many subscriptions an edge of these tests has without any session.
const ofItsOwn = 3

func (e *testEdge) wantDeaf(why, reason string, n float64) {
	e.w.Helper()
	eventually(e.w, why, func() bool { return e.count("limegrove_routing_deaf_total", reason) == n })
}

func TestSessionsBeyondWhatTheBrokerTakesAreRefused(t *testing.T) {
	bus := startBroker(t)
	bus.Stop()
	bus.opts.MaxSubs = ofItsOwn + 2
	bus.Start()
	w := &world{TB: t, registry: newRegistry()}
	e := w.edge("a", Config{NATS: bus.connect("a")})
	ana, rui := e.Guest("ana@t.org/1"), e.Guest("rui@t.org/1")
	if err := e.Ready(); err != nil {
		t.Errorf("there is room: %v", err)
	}
	_, err := e.arrive("lia@t.org/1", true)
	w.wantReason("there is no room for a third identity", err, lime.CodeSessionError)
	e.wantDeaf("it is counted", refusedTooMany, 1)
	if err := e.Ready(); err == nil {
		t.Error("it is ready to take more")
	}
	if e.hub("lia@t.org") != nil {
		t.Error("something is left of it")
	}
	again := e.Guest("ana@t.org/2")
	rui.Say("ana@t.org/1", "1")
	rui.Say("ana@t.org/2", "2")
	ana.Want("those who are there are heard", "1")
	again.Want("and others of their identities", "2")
	rui.Leave()
	var lia *client
	eventually(t, "who leaves makes room", func() bool {
		lia, err = e.arrive("lia@t.org/1", true)
		return err == nil
	})
	lia.Activate()
	ana.Say("lia@t.org/1", "3")
	lia.Want("who takes it hears", "3")
	ana.WantAlive("nobody else is ended")
}

func TestForbiddenSessionsAreRefused(t *testing.T) {
	bus := startBroker(t)
	bus.Stop()
	bus.opts.Users = []*server.User{{Username: "edge", Password: "x", Permissions: &server.Permissions{
		Subscribe: &server.SubjectPermission{Deny: []string{"to.org.t.@.ana.*"}},
	}}}
	bus.opts.NoAuthUser = "edge"
	bus.Start()
	w := &world{TB: t, registry: newRegistry()}
	e := w.edge("a", Config{NATS: bus.connect("a")})
	_, err := e.arrive("ana@t.org/1", true)
	w.wantReason("who must not be listened to", err, lime.CodeSessionError)
	e.wantDeaf("it is counted", refusedForbidden, 1)
	rui, lia := e.Guest("rui@t.org/1"), e.Guest("lia@t.org/1")
	rui.Say("lia@t.org/1", "x")
	lia.Want("others are heard", "x")
	eventually(t, "one name makes the edge useless to nobody else", func() bool { return e.Ready() == nil })
}

func TestAnEdgeThatMustNotHearOfItselfIsNotReady(t *testing.T) {
	bus := startBroker(t)
	bus.Stop()
	bus.opts.Users = []*server.User{{Username: "edge", Password: "x", Permissions: &server.Permissions{
		Subscribe: &server.SubjectPermission{Deny: []string{"edge.>"}},
	}}}
	bus.opts.NoAuthUser = "edge"
	bus.Start()
	w := &world{TB: t, registry: newRegistry()}
	e := w.edge("a", Config{NATS: bus.connect("a")})
	eventually(t, "it is told", func() bool { return e.Ready() != nil })
}

// After a reconnect all is subscribed to again, and the broker may take less than before.
func TestSessionsThatCannotBeHeardAnyMoreAreEnded(t *testing.T) {
	bus := startBroker(t)
	w := &world{TB: t, registry: newRegistry()}
	e := w.edge("a", Config{NATS: bus.connect("a")})
	all := make([]*client, 20)
	for i := range all {
		all[i] = e.Guest(fmt.Sprintf("n%d@t.org/1", i))
	}
	bus.Stop()
	eventually(t, "it is away", func() bool { return !e.nc.IsConnected() })
	bus.opts.MaxSubs = ofItsOwn + 12
	bus.Start()
	eventually(t, "it is back", func() bool { return e.nc.IsConnected() })
	ended := func() (n int) {
		for _, c := range all {
			c.mu.Lock()
			if c.ended != nil {
				n++
			}
			c.mu.Unlock()
		}
		return n
	}
	// What the edge has of its own may be among what is refused.
	eventually(t, "those that are too many are ended", func() bool { return ended() >= len(all)-12-ofItsOwn+1 })
	e.wantDeaf("each is counted", refusedTooMany, float64(ended()))
	if n := ended(); n > len(all)-12 {
		t.Errorf("%d are ended", n)
	}
	for i, c := range all {
		c.mu.Lock()
		why := c.ended
		c.mu.Unlock()
		if why != nil {
			w.wantReason("who is ended", why, lime.CodeSessionError)
			continue
		}
		w.publish(e.nc, c.node, "edge.inc-x.re.0.0", fmt.Sprintf(`{"from":"x@t.org/1","to":"n%d@t.org/1","type":"text/plain","content":"x"}`, i))
		c.Want("who stays hears", "x")
	}
}
