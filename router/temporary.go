package router

import (
	"context"
	"errors"
	"time"

	"limegrove/group"
	"limegrove/lime"
	"limegrove/presence"
)

// Sessions tells who is in session.
type Sessions interface {
	View(ctx context.Context, i lime.Identity) (presence.View, error)
	// Hold gets or renews a lease by name, for one holder at a time.
	Hold(ctx context.Context, name string, holder presence.EdgeID, ttl time.Duration) (held bool, err error)
}

const (
	// temporaryEvery is the time between two looks for temporary groups whose session has
	// ended.
	temporaryEvery = 10 * time.Second

	// temporaryGrace is how long a session may be away before its groups end: as long as a
	// client takes to come back with the same node, and longer than Redis takes to know all
	// registrations again.
	temporaryGrace = 30 * time.Second

	// temporaryLease is for how long one router alone looks.
	temporaryLease = 3 * temporaryEvery
)

// temporaries ends the groups that live with a session. The registrations tell, and not
// the events of their removal: those may be lost, and one that comes back at once is
// another session of the same node.
type temporaries struct {
	sessions Sessions
	groups   *group.Store
	router   presence.EdgeID
	domains  []string
	warn     *warnings

	away map[string]time.Time // since when, by the run of the group; owned by run
}

// run looks until ctx is done.
func (t *temporaries) run(ctx context.Context) {
	tick := time.NewTicker(temporaryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if err := t.look(ctx, now); err != nil && ctx.Err() == nil {
				t.warn.warn(err, "could not look for temporary groups that are over")
			}
		}
	}
}

// look deletes the groups whose session was away at all looks of the last while. One that
// fails tells nothing: Redis may have been emptied meanwhile.
func (t *temporaries) look(ctx context.Context, now time.Time) error {
	before := t.away
	t.away = nil
	ctx, cancel := context.WithTimeout(ctx, temporaryEvery)
	defer cancel()
	held, err := t.sessions.Hold(ctx, "temporary-groups", t.router, temporaryLease)
	if err != nil || !held {
		return err
	}
	away := map[string]time.Time{}
	for _, domain := range t.domains {
		all, err := t.groups.TemporaryIn(ctx, lime.GroupsDomain(domain))
		if err != nil {
			return err
		}
		for _, g := range all {
			here, err := t.here(ctx, g.Session)
			switch {
			case err != nil:
				return err
			case here:
				continue
			}
			since, known := before[g.Run]
			if !known {
				since = now
			}
			away[g.Run] = since
			if now.Sub(since) < temporaryGrace {
				continue
			}
			if err := t.groups.Delete(ctx, g); err != nil && !errors.Is(err, group.ErrNotFound) {
				return err
			}
			delete(away, g.Run)
		}
	}
	t.away = away
	return nil
}

// here tells whether a node is in session.
func (t *temporaries) here(ctx context.Context, n lime.Node) (bool, error) {
	view, err := t.sessions.View(ctx, n.Identity)
	for _, r := range view.Registrations {
		if r.Node.EqualFold(n) {
			return true, nil
		}
	}
	return false, err
}
