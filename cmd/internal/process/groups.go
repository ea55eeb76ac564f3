package process

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/group"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/routing"
	"limegrove/routing/fanout"
	"limegrove/routing/stream"
)

// Groups is the store of groups as routing wants to see it.
type Groups struct{ store *group.Store }

var (
	_ routing.Groups = Groups{}
	_ fanout.Groups  = Groups{}
)

// OpenGroups opens the store of groups. It waits for JetStream.
func (p *Process) OpenGroups(ctx context.Context, cfg config.Shared) (g Groups, err error) {
	js, err := jetstream.New(p.NATS)
	if err != nil {
		return g, fmt.Errorf("-nats: %w", err)
	}
	err = p.Patiently(ctx, "the groups", func(ctx context.Context) error {
		g.store, err = group.Open(ctx, group.Config{JetStream: js, Replicas: cfg.Replicas})
		return err
	})
	if err != nil {
		return g, fmt.Errorf("-nats: %w", err)
	}
	return g, nil
}

// MaySend is that of routing.Groups.
func (g Groups) MaySend(ctx context.Context, sender, id lime.Identity) (*lime.Reason, error) {
	return g.store.MaySend(ctx, sender, id)
}

// Revision is that of fanout.Groups.
func (g Groups) Revision(ctx context.Context, id lime.Identity) (uint64, error) {
	return g.store.Revision(ctx, id)
}

// Roster is that of fanout.Groups.
func (g Groups) Roster(ctx context.Context, id lime.Identity, least uint64) (fanout.Roster, error) {
	all, err := g.store.Roster(ctx, id, least)
	if errors.Is(err, group.ErrNotFound) {
		return fanout.Roster{}, fmt.Errorf("%w: %w", fanout.ErrGone, err)
	}
	if err != nil {
		return fanout.Roster{}, err
	}
	r := fanout.Roster{Group: all.Identity, Revision: all.Revision, Members: make([]fanout.Member, len(all.Members))}
	for i, m := range all.Members {
		r.Members[i] = fanout.Member{Address: m.Address, MaySend: m.Role.May(group.Send, all.Type)}
	}
	return r, nil
}

// Fanout makes a router's part in fanning out messages to groups.
func (p *Process) Fanout(cfg config.Shared, streams *stream.Streams, groups Groups) *fanout.Fanout {
	return fanout.New(fanout.Config{
		NATS: p.NATS, Streams: streams, Leases: p.Presence, Groups: groups, Router: p.Incarnation(), ID: cfg.ID,
		Domains: cfg.Domains, Tracer: p.Tracer,
		Logger: p.Log, Metrics: p.Metrics,
	})
}
