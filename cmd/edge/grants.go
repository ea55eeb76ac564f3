package main

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/cmd/internal/process"
	"limegrove/grant"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing"
)

// grants tells an edge's routing what identities may do with rooms.
type grants struct{ store *grant.Store }

// openGrants waits for JetStream.
func openGrants(ctx context.Context, cfg config.Edge, p *process.Process) (grants, error) {
	store, err := openStore(ctx, p, "the grants for rooms", func(ctx context.Context, js jetstream.JetStream) (*grant.Store, error) {
		return grant.Open(ctx, grant.Config{JetStream: js, Replicas: cfg.Replicas})
	})
	return grants{store}, err
}

// GrantedTo is that of routing.Grants.
func (g grants) GrantedTo(ctx context.Context, i lime.Identity) (room.Grants, error) {
	return g.store.Of(ctx, i)
}

var _ routing.Grants = grants{}
