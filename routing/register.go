package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"limegrove/presence"
)

// What the registrar does for one session, or one view. A session's registration is
// never under way twice: Attach makes the first, the registrar all others.

// update brings members' registrations to Redis, and calls failed for those that it could not bring there.
func (r *registrar) update(ctx context.Context, all []*Member, failed func(*Member, error)) {
	var rest sync.WaitGroup // of registrations that are not there yet
	var changed []*Member
	var regs []presence.Registration
	register := func(m *Member, again bool) {
		rest.Go(func() {
			if err := r.registerLater(ctx, m, again); err != nil {
				failed(m, err)
			}
		})
	}
	for _, m := range all {
		m.hub.shard.mu.Lock()
		registered, nothing := m.registered > 0, m.state == left
		if m.entry != 0 {
			// Two registrations of one session at once could undo a newer one's.
			m.entry, nothing = m.entry|enteringChanged, true
		}
		reg := m.registrationLocked(r.hubs.cfg.Edge)
		m.hub.shard.mu.Unlock()
		switch {
		case nothing:
		case registered:
			changed, regs = append(changed, m), append(regs, reg)
		default:
			register(m, false)
		}
	}
	if len(changed) > 0 {
		for i, u := range r.hubs.cfg.Registry.UpdateAll(ctx, regs) {
			m := changed[i]
			switch {
			case u.Err == nil:
				r.tell(m.hub, viewEvent{Version: u.Version, Registration: regs[i]})
				r.hubs.announcer.registered(m, &regs[i])
			case errors.Is(u.Err, presence.ErrGone):
				register(m, true)
			default:
				failed(m, u.Err)
			}
		}
	}
	rest.Wait()
}

// registerLater registers a member that Redis does not have, or has no more. One whose node another session holds
// by now has been replaced, whatever became of the message that would have said so.
func (r *registrar) registerLater(ctx context.Context, m *Member, again bool) error {
	err := r.register(ctx, m, again || r.hubs.bounds.keepOlder.Load())
	if errors.Is(err, presence.ErrTaken) {
		r.hubs.replaced(m)
		if holder := m.hub.holder(m.token()); holder != nil {
			r.changed(holder) // it may have been replaced before m
		}
		return nil
	}
	if err == nil && again {
		m.hub.shard.mu.Lock()
		m.goneOnLocked()
		m.hub.shard.mu.Unlock()
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
	m.tried = true // with the shard locked, so that who leaves from now on sees it
	reg := m.registrationLocked(r.hubs.cfg.Edge)
	m.hub.shard.mu.Unlock()
	view, older, err := r.hubs.cfg.Registry.Register(ctx, reg, keepOlder)
	if err != nil {
		return err
	}
	m.hub.shard.mu.Lock()
	// An earlier try has done it, and no answer came: whom it has replaced, perhaps elsewhere, nobody has told.
	unheard := view.Again && m.registered == 0
	m.registered = view.Version
	elsewhere := older != nil && older.Session != reg.Session && older.Edge != reg.Edge
	if elsewhere {
		m.particularsLocked().takesOver = older
	}
	if view.Version >= m.hub.version {
		r.hubs.takeView(m.hub, view)
	} else { // a later one came before it
		r.reread(m.hub)
	}
	// Whoever is not in the view yet reads one with m in it when it registers.
	heard := elsewhere || unheard || view.Version < m.hub.version || m.hub.mayBeElsewhere()
	m.hub.shard.mu.Unlock()
	if heard {
		r.hubs.tellView(m.hub, viewEvent{Version: view.Version, Registration: reg})
	}
	r.hubs.announcer.registered(m, &reg)
	if elsewhere {
		r.hubs.tellReplaced(older)
		r.hubs.tellEnded(older)
	}
	return nil
}

// unregister removes a registration, unless another session has the node by now.
func (r *registrar) unregister(ctx context.Context, m *Member) error {
	version, err := r.hubs.cfg.Registry.Unregister(ctx, m.who.Node(), m.who.Tag())
	if errors.Is(err, presence.ErrGone) {
		// Perhaps an earlier try has done it, of which no answer came. It may have been made behind this one's back.
		r.hubs.tellView(m.hub, viewEvent{Doubt: true})
		r.hubs.announcer.gone(m)
		return nil
	}
	if err != nil {
		return fmt.Errorf("unregister %s: %w", m.who.Node(), err)
	}
	if holder := m.hub.holder(m.token()); holder != nil {
		r.changed(holder) // m had taken the node from it
	}
	reg := presence.Registration{Node: m.who.Node(), Edge: r.hubs.cfg.Edge, Session: m.who.Tag()}
	r.tell(m.hub, viewEvent{Version: version, Registration: reg, Gone: true})
	r.hubs.announcer.gone(m)
	return nil
}

// tell tells others of a change that Redis has taken of this edge, if there are any in the view. Whoever is not in it yet
// reads it when it registers.
func (r *registrar) tell(b *hub, e viewEvent) {
	b.shard.mu.Lock()
	if e.Version == b.version+1 {
		b.version = e.Version
		b.changes++
	}
	heard := b.mayBeElsewhere() || e.Version > b.version
	b.shard.mu.Unlock()
	if heard {
		r.hubs.tellView(b, e)
	}
}

// mayBeElsewhere tells whether others may have sessions of the identity, as the view has it: the shard is locked.
func (h *hub) mayBeElsewhere() bool { return h.partial || len(h.remote()) > 0 }

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
