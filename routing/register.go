package routing

import (
	"context"
	"errors"
	"fmt"

	"limegrove/presence"
)

// What the registrar does for one session, or one view. A session's registration is
// never under way twice: Attach makes the first, the registrar all others.

// update brings a member's registration to Redis. One that another session holds
// by now has been replaced, whatever became of the message that would have said
// so.
func (r *registrar) update(ctx context.Context, m *Member) error {
	m.hub.shard.mu.Lock()
	registered, nothing := m.registered > 0, m.state == left
	if m.entering {
		// Two registrations of one session at once could undo a newer one's.
		m.recheck = true
		nothing = true
	}
	reg := m.registrationLocked(r.hubs.cfg.Edge)
	m.hub.shard.mu.Unlock()
	if nothing {
		return nil
	}
	if registered {
		version, err := r.hubs.cfg.Registry.Update(ctx, reg)
		if err == nil {
			r.hubs.tellView(m.hub, viewEvent{Version: version, Registration: reg})
			r.hubs.announcer.registered(m, &reg)
			return nil
		}
		if !errors.Is(err, presence.ErrGone) {
			return err
		}
	}
	err := r.register(ctx, m, registered || r.hubs.cfg.KeepOlder)
	if errors.Is(err, presence.ErrTaken) {
		r.hubs.replaced(m)
		if holder := m.hub.holder(m.token); holder != nil {
			r.changed(holder) // it may have been replaced before m
		}
		return nil
	}
	return err
}

// register brings a member's registration to Redis and takes the view that comes
// back. The session that it replaced is told so, wherever it is.
func (r *registrar) register(ctx context.Context, m *Member, keepOlder bool) error {
	m.hub.shard.mu.Lock()
	if m.state == left { // since it was looked at: nobody would remove it again
		m.hub.shard.mu.Unlock()
		return nil
	}
	m.tried.Store(true) // with the shard locked, so that who leaves from now on sees it
	reg := m.registrationLocked(r.hubs.cfg.Edge)
	m.hub.shard.mu.Unlock()
	view, older, err := r.hubs.cfg.Registry.Register(ctx, reg, keepOlder)
	if err != nil {
		return err
	}
	m.hub.shard.mu.Lock()
	m.registered = view.Version
	elsewhere := older != nil && older.Session != reg.Session && older.Edge != reg.Edge
	if elsewhere {
		m.takesOver = older
	}
	if view.Version >= m.hub.version {
		r.hubs.takeView(m.hub, view)
	} else { // a later one came before it
		r.reread(m.hub)
	}
	m.hub.shard.mu.Unlock()
	r.hubs.tellView(m.hub, viewEvent{Version: view.Version, Registration: reg})
	r.hubs.announcer.registered(m, &reg)
	if elsewhere {
		r.hubs.tellReplaced(older)
	}
	return nil
}

// unregister removes a registration, unless another session has the node by now.
func (r *registrar) unregister(ctx context.Context, m *Member) error {
	version, err := r.hubs.cfg.Registry.Unregister(ctx, m.node, m.session)
	if errors.Is(err, presence.ErrGone) {
		if m.doubtful { // perhaps an earlier try has done it, of which nobody was told
			r.hubs.tellView(m.hub, viewEvent{Doubt: true})
		}
		r.hubs.announcer.gone(m)
		return nil
	}
	if err != nil {
		m.doubtful = true
		return fmt.Errorf("unregister %s: %w", m.node, err)
	}
	if holder := m.hub.holder(m.token); holder != nil {
		r.changed(holder) // m had taken the node from it
	}
	reg := presence.Registration{Node: m.node, Edge: r.hubs.cfg.Edge, Session: m.session}
	r.hubs.tellView(m.hub, viewEvent{Version: version, Registration: reg, Gone: true})
	r.hubs.announcer.gone(m)
	return nil
}

// read takes a hub's view anew. Changes that came meanwhile may be older or newer
// than what was read, so that it is read again.
func (r *registrar) read(ctx context.Context, b *hub) error {
	b.shard.mu.Lock()
	b.reading = false
	before := b.changes
	identity := b.identity()
	unused := b.users == 0
	b.shard.mu.Unlock()
	if unused || identity.Name == "" {
		return nil
	}
	r.hubs.metrics.rereads.Inc()
	view, err := r.hubs.cfg.Registry.View(ctx, identity)
	if err != nil {
		return err
	}
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	if b.changes != before {
		r.reread(b)
		return nil
	}
	r.hubs.takeView(b, view)
	return nil
}
