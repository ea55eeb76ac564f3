package router

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"limegrove/group"
	"limegrove/internal/complaint"
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
	warn     *complaint.Log

	// Owned by run.
	away map[string]time.Time // since when, by the run of the group
	next lime.Identity        // the group that the next look begins with; zero for any
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
				t.warn.Warn("could not look for temporary groups that are over", err)
			}
		}
	}
}

// look deletes the groups whose session was away at all looks of the last while, and begins
// where the last one came to its end. One group that cannot be looked at begins anew, and
// holds up no other; when nothing can be told at all, nothing is known any more: Redis may
// have been emptied meanwhile.
func (t *temporaries) look(ctx context.Context, now time.Time) error {
	before := t.away
	t.away = nil
	ctx, cancel := context.WithTimeout(ctx, temporaryEvery)
	defer cancel()
	held, err := t.sessions.Hold(ctx, "temporary-groups", t.router, temporaryLease)
	if err != nil || !held {
		return err
	}
	var all []group.Group
	for _, domain := range t.domains {
		some, err := t.groups.TemporaryIn(ctx, lime.GroupsDomain(domain))
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	next := max(0, slices.IndexFunc(all, func(g group.Group) bool { return g.Identity == t.next }))
	all = slices.Concat(all[next:], all[:next])
	t.next, t.away = lime.Identity{}, map[string]time.Time{}
	var failed error
	for i, g := range all {
		since, known := before[g.Run]
		away, err := false, ctx.Err()
		if err == nil {
			away, err = t.end(ctx, &all[i], known && now.Sub(since) >= temporaryGrace)
		}
		switch {
		case err != nil && ctx.Err() != nil: // it is the next look's, and stays what it was
			if t.next.IsZero() {
				t.next = g.Identity
			}
			if known {
				t.away[g.Run] = since
			}
		case err != nil:
			failed = cmp.Or(failed, err)
		case away && known:
			t.away[g.Run] = since
		case away:
			t.away[g.Run] = now
		}
	}
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}

// end tells whether a group's session is away, and deletes the group when it was for long
// enough.
func (t *temporaries) end(ctx context.Context, g *group.Group, long bool) (away bool, err error) {
	here, err := t.here(ctx, g.Session)
	if err != nil || here {
		return false, err
	}
	if !long {
		return true, nil
	}
	if err := t.groups.Delete(ctx, *g); err != nil && !errors.Is(err, group.ErrNotFound) {
		return true, err
	}
	return false, nil
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
