package routing

import (
	"testing"

	"limegrove/lime"
	"limegrove/presence"
)

func TestWhatRoutersWereToldOfOutlivesThePresence(t *testing.T) {
	w := newWorld(t)
	e := w.idleEdge("a", Config{})
	m, err := e.join("org.t.@.bia")
	if err != nil {
		t.Fatal(err)
	}
	m.who = mustName(t, lime.MustParseNode("bia@t.org/1"), "s")
	registered := func(s lime.Status) *presence.Registration {
		return &presence.Registration{Presence: lime.Presence{Status: s}}
	}
	announced := func(want lime.Status) {
		t.Helper()
		m.hub.shard.mu.Lock()
		defer m.hub.shard.mu.Unlock()
		if got := m.announcedLocked().status; got != want {
			t.Errorf("routers were told of %q, want %q", got, want)
		}
	}
	m.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	announced("")
	if event, tell := m.noticed(registered(lime.StatusAvailable)); !tell || event.Again {
		t.Errorf("it is told %+v, %v", event, tell)
	}
	announced(lime.StatusAvailable)
	if m.own != nil {
		t.Errorf("the session that is available has %+v", m.own)
	}
	m.SetPresence(&lime.Presence{Status: lime.StatusUnavailable})
	announced(lime.StatusAvailable)
	if event, tell := m.noticed(registered(lime.StatusUnavailable)); !tell || !event.Seen {
		t.Errorf("that it cannot be seen any more is told as %+v, %v", event, tell)
	}
	announced("")
	if m.own != nil {
		t.Errorf("what was told is over, and it has %+v", m.own)
	}
}
