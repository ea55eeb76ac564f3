package main

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/cmd/internal/process"
	"limegrove/delegation"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/routing"
)

// delegations tells an edge's routing who may send in whose name.
type delegations struct{ store *delegation.Store }

// openDelegations waits for JetStream.
func openDelegations(ctx context.Context, cfg config.Edge, p *process.Process) (delegations, error) {
	store, err := openStore(ctx, p, "the delegations", func(ctx context.Context, js jetstream.JetStream) (*delegation.Store, error) {
		return delegation.Open(ctx, delegation.Config{JetStream: js, Replicas: cfg.Replicas})
	})
	return delegations{store}, err
}

// openStore waits for JetStream.
func openStore[S any](ctx context.Context, p *process.Process, what string, open func(context.Context, jetstream.JetStream) (S, error)) (store S, err error) {
	js, err := jetstream.New(p.NATS)
	if err == nil {
		err = p.Patiently(ctx, what, func(ctx context.Context) error {
			store, err = open(ctx, js)
			return err
		})
	}
	if err != nil {
		return store, fmt.Errorf("-nats: %w", err)
	}
	return store, nil
}

// GivenTo is that of routing.Delegations.
func (d delegations) GivenTo(ctx context.Context, target lime.Identity) ([]routing.Delegated, error) {
	given, err := d.store.To(ctx, target)
	if err != nil {
		return nil, err
	}
	all := make([]routing.Delegated, len(given))
	for i := range given {
		all[i] = routing.Delegated(given[i])
	}
	return all, nil
}
