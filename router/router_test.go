package router

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"limegrove/event"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
)

// platform is told of events.
type platform chan event.Event

func (p platform) Tell(e event.Event) { p <- e }

func TestWhatADeadEdgeLeftIsRemovedAndTold(t *testing.T) {
	told := make(platform, 1)
	w := newWorld(t, Config{
		Events:        told,
		SweepInterval: time.Hour, // only when it is told
		Alive:         func(e presence.EdgeID) bool { return e == "inc-e" },
	})
	listener := w.server.Connect()
	views, err := listener.SubscribeSync("to.org.t.@.rui._view")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
		t.Fatal(err)
	}
	w.registry.mu.Lock()
	w.registry.edges = []presence.EdgeID{"inc-e", "inc-x"}
	w.registry.removed = []presence.Removed{{
		Registration: presence.Registration{Node: lime.MustParseNode("Rui@t.org/1"), Edge: "inc-x", Session: "s"}, Version: 7,
	}}
	w.registry.err = errors.New("the rest cannot be read now")
	w.registry.mu.Unlock()

	w.router.EdgeDied()
	msg, err := views.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(msg.Data); !strings.Contains(got, `"version":7`) || !strings.Contains(got, "Rui@t.org/1") || !strings.Contains(got, `"gone":true`) {
		t.Errorf("told as %s", got)
	}
	e := <-told
	if e.Type != event.SessionEnded || !strings.HasPrefix(e.ID, "s.session.ended.lost.") || e.Node.String() != "Rui@t.org/1" ||
		e.Detail != (event.Session{ID: "s", Edge: "inc-x", Lost: true}) {
		t.Errorf("the platform is told %+v", e)
	}
	w.registry.mu.Lock()
	w.registry.removed = []presence.Removed{{ // it has gone on meanwhile, and is lost again
		Registration: presence.Registration{Node: lime.MustParseNode("Rui@t.org/1"), Edge: "inc-x", Session: "s"}, Version: 9,
	}}
	w.registry.mu.Unlock()
	w.router.EdgeDied()
	if again := <-told; again.ID == e.ID {
		t.Errorf("two ends have one id: %+v", again)
	}
	w.registry.mu.Lock()
	if !w.registry.asked["inc-x"] || w.registry.asked["inc-e"] {
		t.Errorf("taken for dead: %v", w.registry.asked)
	}
	w.registry.mu.Unlock()

	before := w.registry.Sweeps()
	for range 100 {
		w.router.EdgeDied() // does not block
	}
	w.eventually("it goes on after an error", func() bool { return w.registry.Sweeps() > before })
}

func TestARouterLooksNowAndThen(t *testing.T) {
	w := newWorld(t, Config{SweepInterval: time.Millisecond})
	w.registry.mu.Lock()
	w.registry.edges = []presence.EdgeID{"inc-e"}
	before := w.registry.sweeps
	w.registry.mu.Unlock()
	w.eventually("it looks", func() bool { return w.registry.Sweeps() > before+1 })
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	if !w.registry.asked["inc-e"] {
		t.Error("without gossip the leases alone decide")
	}
}

func TestARouterThatStopsAnswersWhatItHasTaken(t *testing.T) {
	const many = 50
	w := newWorld(t, Config{})
	ana := w.login("ana@t.org/1", true)
	for i := range many {
		ana.ask(fmt.Sprintf(`{"id":"%d","from":"ana@t.org/1","method":"get","uri":"/ping"}`, i))
	}
	w.flush(w.edgeNATS)
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	got := map[string]bool{}
	for range many {
		select {
		case c := <-ana.got:
			if c.Status != success {
				t.Errorf("%s: %v", c.ID, c.Reason)
			}
			got[c.ID] = true
		case <-time.After(patience):
			t.Fatalf("%d of %d were answered", len(got), many)
		}
	}
	if len(got) != many {
		t.Errorf("%d of %d were answered", len(got), many)
	}
	ana.ask(`{"id":"late","from":"ana@t.org/1","method":"get","uri":"/ping"}`)
	ana.want("then there is no router", "late", failure, lime.CodeRoutingDestinationNotFound)
}

func TestARouterNeedsItsStreams(t *testing.T) {
	nc := natstest.Start(t)
	nc.Close()
	if _, err := New(t.Context(), Config{NATS: nc, Registry: &nobody{}, Domains: []string{"t.org"}}); err == nil {
		t.Error("a router was made without a broker")
	}
}

// Package presence's store is what a router needs.
var _ Registry = (*presence.Store)(nil)
