package routing

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

// A session with authority over a domain and the rule to use it is registered a second
// time, under an identity that stands for the domain: there it is found by those who have
// something for that domain. No name of LIME has a slash.
const (
	placeDomain = "/domain" // for the domain
	placeRoot   = "/root"   // for the domain and those below it
)

// placeLocked is where m is to be registered as an authority; zero for nowhere.
func (m *Member) placeLocked() lime.Identity {
	if m.state != active || m.presence == nil || m.presence.Status == lime.StatusUnavailable || !m.role().Allows(m.presence.RoutingRule) {
		return lime.Identity{}
	}
	switch m.presence.RoutingRule {
	case lime.RouteDomain:
		return lime.Identity{Name: placeDomain, Domain: m.who.Domain()}
	case lime.RouteRootDomain:
		return lime.Identity{Name: placeRoot, Domain: m.who.Domain()}
	}
	return lime.Identity{}
}

// authorities keeps Redis told of an edge's authorities, as the registrar does of its
// sessions. What is noted is a set, at most one note a session.
type authorities struct {
	hubs *Hubs
	wake chan struct{} // holds one

	mu    sync.Mutex
	dirty map[*Member]struct{}

	places map[*Member]lime.Identity // owned by run: where members may be registered
}

func newAuthorities(h *Hubs) *authorities {
	return &authorities{hubs: h, wake: make(chan struct{}, 1), dirty: map[*Member]struct{}{}, places: map[*Member]lime.Identity{}}
}

// changed notes that m may have become an authority, or be none any more. The shard of m
// may be locked.
func (a *authorities) changed(m *Member) {
	if m.role() != lime.RoleAuthority && m.role() != lime.RoleRootAuthority {
		return
	}
	a.mu.Lock()
	a.dirty[m] = struct{}{}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run works until ctx is done, and then once more.
func (a *authorities) run(ctx context.Context) {
	pause := registrarPause
	for {
		select {
		case <-ctx.Done():
			a.finish(ctx)
			return
		case <-a.wake:
		}
		for ctx.Err() == nil {
			err := a.round(ctx)
			if err == nil {
				pause = registrarPause
				break
			}
			a.hubs.complaints.Warn("Redis cannot be told of authorities; trying on", err)
			select {
			case <-ctx.Done():
			case <-time.After(pause/2 + rand.N(pause)):
			}
			pause = min(2*pause, registrarPauseMax)
		}
	}
}

// finish works off what is noted, within the timeout. The lease ends what is left.
func (a *authorities) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.hubs.cfg.Timeout)
	defer cancel()
	_ = a.round(ctx)
}

// round brings what is noted to Redis. What fails is noted again.
func (a *authorities) round(ctx context.Context) error {
	a.mu.Lock()
	dirty := a.dirty
	a.dirty = map[*Member]struct{}{}
	a.mu.Unlock()
	var all error
	for m := range dirty {
		if err := a.bring(ctx, m); err != nil {
			a.mu.Lock()
			a.dirty[m] = struct{}{}
			a.mu.Unlock()
			all = err
		}
	}
	return all
}

func (a *authorities) bring(ctx context.Context, m *Member) error {
	m.hub.shard.mu.Lock()
	place, reg := m.placeLocked(), m.registrationLocked(a.hubs.cfg.Edge)
	m.hub.shard.mu.Unlock()
	before := a.places[m]
	if !before.IsZero() && before != place {
		_, err := a.hubs.cfg.Registry.Unregister(ctx, lime.Node{Identity: before, Instance: m.who.String()}, m.who.Tag())
		if err != nil && !errors.Is(err, presence.ErrGone) {
			return err
		}
		delete(a.places, m)
	}
	if place.IsZero() {
		return nil
	}
	// As a guest, so that it is known for a while after it has left: it may come back.
	reg.Node, reg.Guest = lime.Node{Identity: place, Instance: m.who.String()}, true
	a.places[m] = place
	_, _, err := a.hubs.cfg.Registry.Register(ctx, reg, false)
	return err
}

// maxPlaces bounds where an authority is looked for, since each is a look-up: a domain may have
// five hundred labels.
const maxPlaces = 17

// placesFor are the places where an authority for a domain is looked for, the nearest
// first: over the domain itself, and root authority over it and the 15 next above it.
func placesFor(domain string) []lime.Identity {
	places := []lime.Identity{{Name: placeDomain, Domain: domain}}
	for d, ok := domain, true; ok && len(places) < maxPlaces; _, d, ok = strings.Cut(d, ".") {
		places = append(places, lime.Identity{Name: placeRoot, Domain: d})
	}
	return places
}
