package routing

import (
	"context"
	"reflect"
	"strconv"
	"sync"
	"time"

	"limegrove/event"
	"limegrove/lime"
	"limegrove/presence"
)

// Events is told what becomes of sessions. Its methods do not block, and are called with
// shards locked, so that events of one identity are told in their order.
type Events interface {
	// Wants tells whether anybody wants to hear of events of a type; it never changes.
	Wants(t event.Type) bool
	Tell(e event.Event)
}

// telling is an edge's part in telling of its sessions.
type telling struct {
	edge     presence.EdgeID
	events   Events
	presence bool // wanted
	every    time.Duration

	mu  sync.Mutex
	due map[*Member]struct{} // whose presence was set since it was told
}

// told is what was told of a session. Guarded by the shard of its hub.
type told struct {
	presence *lime.Presence // nil for an empty one
	begun    bool
	again    uint32 // how often it was told to have gone on
	shows    uint32 // how often its presence was told
}

// presenceEvery is the time between two events about the presence of one session: who sets it
// all the time has the last one told.
const presenceEvery = time.Second

// newTelling returns nil when nobody wants to hear of sessions.
func newTelling(cfg *Config) *telling {
	if cfg.Events == nil {
		return nil
	}
	t := &telling{
		edge: cfg.Edge, events: cfg.Events, presence: cfg.Events.Wants(event.PresenceChanged),
		every: presenceEvery, due: map[*Member]struct{}{},
	}
	if !t.presence && !cfg.Events.Wants(event.SessionStarted) && !cfg.Events.Wants(event.SessionEnded) {
		return nil
	}
	return t
}

// begunLocked tells that a session has begun.
func (m *Member) begunLocked() {
	t := m.hubs().telling
	if t == nil || m.toldLocked() != nil || m.unlisted {
		return
	}
	m.particularsLocked().told = &told{begun: true}
	m.tellSession(event.SessionStarted, "")
	m.shownLocked()
}

// goneOnLocked tells that a session goes on whose registration was gone: others may have been
// told that it had ended.
func (m *Member) goneOnLocked() {
	told := m.toldLocked()
	if told == nil || m.state != active {
		return
	}
	told.again++
	m.tellSession(event.SessionStarted, "."+strconv.Itoa(int(told.again)))
}

// endedLocked tells that a session has ended, if it was told to have begun.
func (m *Member) endedLocked() {
	told := m.toldLocked()
	if told == nil || !told.begun {
		return
	}
	told.begun = false
	turn := ""
	if told.again > 0 {
		turn = "." + strconv.Itoa(int(told.again))
	}
	m.tellSession(event.SessionEnded, turn)
}

func (m *Member) tellSession(what event.Type, turn string) {
	m.hubs().telling.events.Tell(event.Event{
		ID: m.who.Tag() + "." + string(what) + turn, Type: what, Time: time.Now(), Whom: m.who.Identity(), Node: m.who.Node(),
		Detail: event.Session{
			ID: m.who.Tag(), Edge: string(m.hubs().cfg.Edge), Guest: m.guest, Again: what == event.SessionStarted && m.own.told.again > 0,
		},
	})
}

// tellEnded tells that the session of another edge has ended, whose place one has
// taken: its own edge may be dead. That tells the same event.
func (h *Hubs) tellEnded(r *presence.Registration) {
	if h.telling == nil {
		return
	}
	h.telling.events.Tell(event.Event{
		ID: r.Session + "." + string(event.SessionEnded), Type: event.SessionEnded, Time: time.Now(), Whom: r.Node.Identity, Node: r.Node,
		Detail: event.Session{ID: r.Session, Edge: string(r.Edge), Guest: r.Guest},
	})
}

// shownLocked notes that a session's presence may have to be told.
func (m *Member) shownLocked() {
	t := m.hubs().telling
	if t == nil || !t.presence || m.toldLocked() == nil || m.presence == nil {
		return
	}
	t.mu.Lock()
	t.due[m] = struct{}{}
	t.mu.Unlock()
}

// run tells of presences until ctx is done.
func (t *telling) run(ctx context.Context) {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.tellPresences()
		}
	}
}

// tellPresences tells of those that were set since it last did.
func (t *telling) tellPresences() {
	t.mu.Lock()
	due := t.due
	t.due = map[*Member]struct{}{}
	t.mu.Unlock()
	for m := range due {
		m.tellPresence()
	}
}

// tellPresence tells what a session's presence is, if that is another than was told.
func (m *Member) tellPresence() {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	now, told := m.presenceLocked(), m.toldLocked()
	var before lime.Presence
	if told.presence != nil {
		before = *told.presence
	}
	if m.state != active || reflect.DeepEqual(now, before) {
		return
	}
	told.presence = m.presence
	told.shows++
	m.hubs().telling.events.Tell(event.Event{
		ID:   m.who.Tag() + "." + string(event.PresenceChanged) + "." + strconv.Itoa(int(told.shows)),
		Type: event.PresenceChanged, Time: time.Now(), Whom: m.who.Identity(), Node: m.who.Node(),
		Detail: event.Presence{Session: m.who.Tag(), Presence: now},
	})
}
