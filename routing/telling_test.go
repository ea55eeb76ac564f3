package routing

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"limegrove/event"
	"limegrove/lime"
)

// platform is told of events.
type platform struct {
	refuses []event.Type

	mu   sync.Mutex
	told []event.Event
}

func (p *platform) Wants(t event.Type) bool { return !slices.Contains(p.refuses, t) }

func (p *platform) Tell(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Wants(e.Type) {
		p.told = append(p.told, e)
	}
}

// of is what it was told of an identity, in order.
func (p *platform) of(t testing.TB, identity string) (all []string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.told {
		if e.Whom.String() != identity {
			continue
		}
		if _, err := e.MarshalJSON(); err != nil || !e.Node.Identity.EqualFold(e.Whom) || e.Time.IsZero() || e.ID == "" {
			t.Errorf("%+v: %v", e, err)
		}
		switch d := e.Detail.(type) {
		case event.Session:
			all = append(all, strings.TrimRight(fmt.Sprintf("%s %s %v %s", e.Type, d.ID, d.Again, d.Edge), " "))
		case event.Presence:
			all = append(all, fmt.Sprintf("%s %s %s", e.Type, d.Session, d.Presence.Status))
		}
	}
	return all
}

func (p *platform) want(t testing.TB, why, identity string, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s: %q", why, want), func() bool { return len(p.of(t, identity)) >= len(want) })
	if got := p.of(t, identity); !slices.Equal(got, want) {
		t.Errorf("%s: told %q, want %q", why, got, want)
	}
}

func (p *platform) ids() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.told {
		all = append(all, e.ID)
	}
	return all
}

func TestSessionsAreToldInOrder(t *testing.T) {
	w, p := newWorld(t), &platform{refuses: []event.Type{event.PresenceChanged}}
	a := w.edge("a", Config{Events: p})
	ana := a.Login("ana@t.org/1")
	p.want(t, "it begins", "ana@t.org", "session.started s1 false inc-a")
	again := a.Login("ana@t.org/1")
	ana.WantEnd("it is replaced", lime.CodeSessionRegistrationError)
	ana.Leave()
	p.want(t, "another takes its place", "ana@t.org",
		"session.started s1 false inc-a", "session.ended s1 false inc-a", "session.started s2 false inc-a")
	again.Leave()
	again.Leave()
	p.want(t, "it ends once", "ana@t.org",
		"session.started s1 false inc-a", "session.ended s1 false inc-a", "session.started s2 false inc-a", "session.ended s2 false inc-a")
	never, err := a.arrive("rui@t.org/1", true)
	if err != nil {
		t.Fatal(err)
	}
	never.Leave()
	p.want(t, "what never began", "rui@t.org")
}

func TestASessionThatIsReplacedElsewhereIsToldToHaveEnded(t *testing.T) {
	w, p := newWorld(t), &platform{}
	a := w.edge("a", Config{Events: p})
	w.registry.hold(t, "ana@t.org/1", "inc-dead", "old")
	a.Login("ana@t.org/1")
	p.want(t, "though its edge says nothing", "ana@t.org", "session.ended old false inc-dead", "session.started s1 false inc-a")

	b := w.edge("b", Config{Events: p})
	here := a.Login("rui@t.org/1")
	b.Login("rui@t.org/1")
	here.WantEnd("it is replaced", lime.CodeSessionRegistrationError)
	here.Leave()
	eventually(t, "both have told", func() bool { return len(p.of(t, "rui@t.org")) >= 4 })
	ids := p.ids()
	slices.Sort(ids)
	n := 0
	for _, id := range slices.Compact(ids) {
		if strings.HasPrefix(id, "s2.session.ended") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("its end is told as %d events: %q", n, ids)
	}
}

func TestASessionThatWasTakenForDeadIsToldToGoOn(t *testing.T) {
	w, p := newWorld(t), &platform{}
	a := w.edge("a", Config{Events: p})
	ana := a.Login("ana@t.org/1")
	w.quiet()
	w.registry.Flush()
	a.RegisterAll()
	p.want(t, "it goes on", "ana@t.org", "session.started s1 false inc-a", "session.started s1 true inc-a")
	ana.Leave()
	p.want(t, "and ends", "ana@t.org",
		"session.started s1 false inc-a", "session.started s1 true inc-a", "session.ended s1 false inc-a")
	ids := p.ids()
	if slices.Sort(ids); len(slices.Compact(ids)) != 3 {
		t.Errorf("some have the same id: %q", ids)
	}
}

func TestPresencesAreToldAsTheyAreInTheEnd(t *testing.T) {
	w, p := newWorld(t), &platform{refuses: []event.Type{event.SessionStarted, event.SessionEnded}}
	a := w.idleEdge("a", Config{Events: p})
	a.telling.every = time.Hour // the test says when
	a.run()
	ana := a.Login("ana@t.org/1")
	for i := range 100 {
		ana.SetPresence(&lime.Presence{Status: lime.StatusBusy, Message: fmt.Sprint(i)})
	}
	ana.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	p.want(t, "not at once", "ana@t.org")
	a.telling.tellPresences()
	p.want(t, "the last one", "ana@t.org", "presence.changed s1 available")
	ana.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	rui := a.Login("rui@t.org/1")
	rui.SetPresence(&lime.Presence{Status: lime.StatusAway})
	eva := a.Login("eva@t.org/1")
	eva.SetPresence(&lime.Presence{Status: lime.StatusAway})
	eva.Leave()
	a.telling.tellPresences()
	p.want(t, "of another", "rui@t.org", "presence.changed s2 away")
	p.want(t, "the same again is nothing new", "ana@t.org", "presence.changed s1 available")
	p.want(t, "who has left has none", "eva@t.org")
	ana.SetPresence(&lime.Presence{Status: lime.StatusUnavailable})
	a.telling.tellPresences()
	p.want(t, "each change", "ana@t.org", "presence.changed s1 available", "presence.changed s1 unavailable")
}

func TestPresencesAreToldInTime(t *testing.T) {
	w, p := newWorld(t), &platform{refuses: []event.Type{event.SessionStarted, event.SessionEnded}}
	w.edge("a", Config{Events: p}).Login("ana@t.org/1", lime.Presence{Status: lime.StatusBusy})
	p.want(t, "after a while", "ana@t.org", "presence.changed s1 busy")
}

func TestNobodyIsToldWhereNobodyWantsToHear(t *testing.T) {
	w, p := newWorld(t), &platform{refuses: []event.Type{event.SessionStarted, event.SessionEnded, event.PresenceChanged}}
	a := w.edge("a", Config{Events: p})
	ana := a.Login("ana@t.org/1", lime.Presence{Status: lime.StatusBusy})
	if a.telling != nil || ana.toldLocked() != nil {
		t.Error("something is kept for it")
	}
	ana.Leave()
}
