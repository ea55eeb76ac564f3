package routing

import (
	"context"
	"errors"
	"testing"

	"limegrove/lime"
)

// tellOf publishes what somebody is told of Rui.
func (w *world) tellOf(to string) {
	w.Helper()
	nc := w.connect()
	envelope := `{"from":"rui@t.org","to":"` + to + `","method":"observe","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"status":"away"}}`
	if err := (Observes{NATS: nc}).Observe(lime.MustParseNode(to), []byte(envelope)); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	if err := (Observes{NATS: nc}).Flush(ctx); err != nil {
		w.Fatal(err)
	}
}

// Whoever has said that he is there is told of others, and no rule chooses among the sessions.
func TestWhoIsToldOfOthers(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	busy := a.Login("Ana@t.org/Busy", lime.Presence{Status: lime.StatusBusy, RoutingRule: lime.RouteInstance})
	one := b.Login("ana@t.org/1", lime.Presence{Status: lime.StatusAvailable, RoundRobin: true})
	two := b.Login("ana@t.org/2", lime.Presence{Status: lime.StatusInvisible, RoundRobin: true})
	silent := a.Login("ana@t.org/3")
	gone := a.Login("ana@t.org/4", lime.Presence{Status: lime.StatusUnavailable})
	other := a.Login("lia@t.org/1", lime.Presence{Status: lime.StatusAvailable})
	w.quiet()
	addressed := func(to string) { // as it was announced: L-ADR-06
		t.Helper()
		w.settle()
		busy.mu.Lock()
		defer busy.mu.Unlock()
		if len(busy.raw) != 1 {
			t.Fatalf("%d were delivered", len(busy.raw))
		}
		if c, err := lime.DecodeCommand(busy.raw[0]); err != nil || c.To.String() != to {
			t.Errorf("told %s, %v, want to %s", busy.raw[0], err, to)
		}
	}
	w.tellOf("ANA@t.org")
	addressed("Ana@t.org")
	for _, c := range []*client{busy, one, two} {
		c.Want("who is there", "observe")
	}
	w.tellOf("ana@t.org/busy")
	addressed("Ana@t.org/Busy")
	busy.Want("one alone", "observe")
	for _, c := range []*client{one, two, silent, gone, other} {
		c.Want("the others")
	}
}

func TestWhatCannotBeToldIsCounted(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana := e.Login("ana@t.org/1", lime.Presence{Status: lime.StatusAvailable})
	w.quiet()
	w.publishTo(e.nc, "to.org.t.@.ana._observe", "", "no JSON")
	w.settle()
	e.WantDropped("what is no envelope", dropMalformed, 1)
	ana.mu.Lock()
	ana.refuse = ErrQueueFull
	ana.mu.Unlock()
	w.tellOf("ana@t.org")
	w.settle()
	e.WantDropped("who reads too slowly", dropQueueFull, 1)
	ana.mu.Lock()
	ana.refuse = errors.New("closed")
	ana.mu.Unlock()
	w.tellOf("ana@t.org")
	w.settle()
	e.WantDropped("who is going", dropClosed, 1)
	w.tellOf("nobody@t.org")
}
