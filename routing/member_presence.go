package routing

import (
	"limegrove/lime"
	"limegrove/presence"
)

// SetPresence makes p the session's presence: here at once, elsewhere as soon as
// Redis has it. It keeps p.
func (m *Member) SetPresence(p *lime.Presence) {
	m.hub.shard.mu.Lock()
	before := m.presence
	m.presence = m.hubs().presences.intern(p)
	if m.shown && before != m.presence {
		m.announceLocked(before)
	}
	if rulingOf(p) != rulingOf(before) {
		m.hub.disarrange()
	}
	m.followLocked()
	m.shownLocked()
	m.hub.shard.mu.Unlock()
	m.hubs().registrar.changed(m)
	m.hubs().authorities.changed(m)
}

// Presence returns the session's presence, which is empty until it was set.
func (m *Member) Presence() lime.Presence {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return m.presenceLocked()
}

func (m *Member) presenceLocked() lime.Presence {
	if m.presence == nil {
		return lime.Presence{}
	}
	return *m.presence
}

// Instances returns the instances of the session's identity, here and on other
// edges, but for those that want to be taken for absent.
func (m *Member) Instances() []string {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	var all []string
	for o := range m.hub.members.all() {
		if listed(o.presence) {
			all = append(all, o.who.Instance())
		}
	}
	for _, r := range m.hub.remote() {
		if listed(&r.Presence) {
			all = append(all, r.Node.Instance)
		}
	}
	return all
}

// registrationLocked is what Redis is told of m.
func (m *Member) registrationLocked(e presence.EdgeID) presence.Registration {
	return presence.Registration{
		Node: m.who.Node(), Edge: e, Session: m.who.Tag(), Guest: m.guest, Since: m.shared().since, Takes: m.takenLocked(), Presence: m.presenceLocked(),
	}
}
