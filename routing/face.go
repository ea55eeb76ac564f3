package routing

import (
	"slices"

	"limegrove/lime"
	"limegrove/presence"
)

// face is what others see of a session, and whether it is told of others.
type face struct {
	status   lime.Status // "" when it is not to be seen
	message  string
	priority int
	hears    bool
}

func faceOf(r *presence.Registration) face {
	if r.Guest {
		return face{}
	}
	f := face{hears: hears(&r.Presence)}
	if r.Visible() {
		f.status, f.message, f.priority = r.Presence.Status, r.Presence.Message, r.Presence.Priority
	}
	return f
}

// faceLocked is the face of m with a presence, which may be nil.
func (m *Member) faceLocked(p *lime.Presence) face {
	if p == nil {
		return face{}
	}
	return faceOf(&presence.Registration{Guest: m.guest, Presence: *p})
}

// announcedLocked is the face that routers were told of.
func (m *Member) announcedLocked() face {
	switch {
	case m.shown:
		return m.faceLocked(m.presence)
	case m.own != nil:
		return m.faceLocked(m.own.announced)
	}
	return face{}
}

// announceLocked notes of what routers were told: p, which is nil for nothing.
func (m *Member) announceLocked(p *lime.Presence) {
	if m.shown = p != nil && p == m.presence; m.shown {
		p = nil
	}
	if p != nil || m.own != nil {
		m.particularsLocked().announced = p
		m.tidyLocked()
	}
}

// hears tells whether a session is told of the presence of others: one that has set its
// own, and is not unavailable. One that never did may not know what to do with it.
func hears(p *lime.Presence) bool {
	return p != nil && p.Status != "" && p.Status != lime.StatusUnavailable
}

// PresenceEvent tells routers that what others see of an identity may have changed. It
// says no more of that than is needed: they look for themselves.
type PresenceEvent struct {
	Identity lime.Identity `json:"identity"`
	// Again says that nothing has changed as far as the edge knows.
	Again bool `json:"again,omitempty"`
	// Seen says that a session that others saw cannot be seen any more.
	Seen bool `json:"seen,omitempty"`
	// Fresh are the instances of sessions that are to be told of others from now on.
	Fresh []string `json:"fresh,omitempty"`
	// Doubt says that a router was told before, and has not said that it is done.
	Doubt bool `json:"doubt,omitempty"`
}

// add makes e tell what another event does, too.
func (e *PresenceEvent) add(o PresenceEvent) {
	e.Again, e.Seen, e.Doubt = e.Again && o.Again, e.Seen || o.Seen, e.Doubt || o.Doubt
	for _, f := range o.Fresh {
		if !slices.Contains(e.Fresh, f) {
			e.Fresh = append(e.Fresh, f)
		}
	}
}

// noticed returns what routers are to be told since Redis has taken a registration of m,
// and whether that is anything.
func (m *Member) noticed(r *presence.Registration) (e PresenceEvent, tell bool) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	was, is := m.announcedLocked(), faceOf(r)
	switch {
	case is == face{}:
		m.announceLocked(nil)
	case is == m.faceLocked(m.presence):
		m.announceLocked(m.presence)
	default: // it was set again meanwhile
		p := r.Presence
		m.announceLocked(&p)
	}
	e = PresenceEvent{Identity: m.who.Identity(), Seen: was.status != "" && is.status == ""}
	if is.hears && !was.hears {
		e.Fresh = []string{m.who.Instance()}
	}
	was.hears, is.hears = false, false
	e.Again = was == is
	return e, e.Fresh != nil || was.status != "" || is.status != ""
}

// unnoticedLocked returns what routers are to be told since m is no more.
func (m *Member) unnoticedLocked() (e PresenceEvent, tell bool) {
	tell = m.announcedLocked().status != ""
	m.announceLocked(nil)
	return PresenceEvent{Identity: m.who.Identity(), Seen: true}, tell
}
