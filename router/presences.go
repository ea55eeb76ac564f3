package router

import (
	"context"
	"errors"
	"fmt"

	"limegrove/delegation"
	"limegrove/herald"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/resource"
	"limegrove/roster"
	"limegrove/routing"
)

// presences is what a router knows of the presence of people, and whom it tells.
type presences struct {
	*roster.Store
	registry Registry
	herald   *herald.Herald

	// delegated tells whether an owner has let an identity get its presence.
	delegated func(ctx context.Context, owner, by lime.Identity) (bool, error)
}

func newPresences(cfg Config, people *roster.Store, granted *delegation.Store) *presences {
	delegated := func(ctx context.Context, owner, by lime.Identity) (bool, error) {
		return granted.Allows(ctx, owner, lime.Node{Identity: by}, &lime.Header{
			Kind: lime.KindCommand, Method: lime.MethodGet, URI: []byte("/presence"),
		})
	}
	return &presences{
		Store: people, registry: cfg.Registry, delegated: delegated,
		herald: herald.New(herald.Config{
			Registry: cfg.Registry, Roster: people, Diary: people, Publisher: routing.Observes{NATS: cfg.NATS},
			Permits: delegated,
			Withdrawn: func(ctx context.Context, owner, from lime.Identity) error {
				_, err := people.Unsubscribe(ctx, from, owner)
				return err
			},
			Logger: cfg.Logger, Metrics: cfg.Metrics,
		}),
	}
}

var _ resource.Presences = (*presences)(nil)

// Presence is that of resource.Presences.
func (p *presences) Presence(ctx context.Context, owner lime.Identity, instance string) (lime.Presence, error) {
	v, err := p.registry.RawView(ctx, owner)
	if err != nil {
		return lime.Presence{}, err
	}
	if instance != "" {
		return v.ShownAt(instance), nil
	}
	shown := v.Shown()
	if shown.Status != lime.StatusUnavailable {
		return shown, nil
	}
	when, err := p.Seen(ctx, owner)
	if err == nil && !when.IsZero() {
		shown.LastSeen = lime.FormatTime(when)
	}
	return shown, err
}

// Subscribe is that of resource.Presences. The subscriber is told at once. It is refused when
// the herald would end the subscription instead.
func (p *presences) Subscribe(ctx context.Context, subscriber, target lime.Identity) error {
	tells, err := p.SharesPresence(ctx, target, subscriber)
	if err == nil && !tells {
		tells, err = p.delegated(ctx, target, subscriber)
	}
	switch {
	case err != nil:
		return err
	case !tells:
		return lime.NewReason(lime.CodeAuthorizationPermissionRequired, "The owner has not permitted it")
	}
	if err = p.Store.Subscribe(ctx, subscriber, target); err == nil {
		p.sharingChanged(target, subscriber)
	}
	return err
}

// sharingChanged has somebody told who sees more or less of owner than before.
func (p *presences) sharingChanged(owner, with lime.Identity) {
	p.herald.Tell(herald.Event{Identity: owner, Again: true, Sharing: []lime.Identity{with}})
}

// changed takes word of an edge.
func (p *presences) changed(e routing.PresenceEvent, done func()) bool {
	return p.herald.Tell(herald.Event{
		Identity: e.Identity, Again: e.Again, Seen: e.Seen, Fresh: e.Fresh, Doubt: e.Doubt, Done: done,
	})
}

// removed is told that a dead edge's registration was removed.
func (p *presences) removed(r *presence.Registration) {
	if r.Visible() {
		p.herald.Tell(herald.Event{Identity: r.Node.Identity, Seen: true})
	}
}

// farewell tells the contacts of an identity that it is gone, and removes them: they are
// not its name's next owner's.
func (p *presences) farewell(ctx context.Context, id lime.Identity) error {
	err := errors.Join(p.herald.Farewell(ctx, id), p.Forget(ctx, id))
	if err != nil {
		return fmt.Errorf("farewell: %w", err)
	}
	return nil
}

// permits tells what an owner lets others do: what it has delegated, and what LIME says is
// delegated to a contact with whom it shares its account.
func permits(granted *delegation.Store, people *roster.Store) resource.Permits {
	return func(ctx context.Context, owner lime.Identity, by lime.Node, h *lime.Header) (bool, error) {
		ok, err := granted.Allows(ctx, owner, by, h)
		if ok || err != nil || h.Method != lime.MethodGet {
			return ok, err
		}
		if uri, err := lime.ParseURI(string(h.URI)); err != nil || !uri.HasPath("/account") {
			return false, nil //nolint:nilerr // what is no URI is not permitted
		}
		return people.SharesAccountInfo(ctx, owner, by.Identity)
	}
}
