package main

import (
	"context"

	"limegrove/cmd/internal/process"
	"limegrove/internal/config"
	"limegrove/presence"
	"limegrove/routing"
)

// backends is what a router has for the HTTP API. The zero value has none.
type backends struct {
	hubs *routing.Hubs
	api  *process.API
}

// openBackends makes the API of parts that lack the hubs, and what sends for it. It waits for
// JetStream. Without a listener there is no API.
func openBackends(ctx context.Context, cfg config.Router, p *process.Process, parts process.APIParts, groups process.Groups) (b backends, err error) {
	if parts.Listener == nil {
		return b, nil
	}
	known, err := p.OpenDirectory(ctx, cfg.Shared, cfg.Recipients == config.RecipientsAnyone)
	if err != nil {
		return b, err
	}
	b.hubs = routing.New(routing.Config{
		NATS: p.NATS, Streams: parts.Streams, Directory: known, Groups: groups, Registry: p.Presence,
		Edge: p.Incarnation(), ID: cfg.ID, Domains: cfg.Domains, Tracer: p.Tracer, Logger: p.Log, Metrics: p.Metrics,
	})
	parts.Hubs = b.hubs
	b.api, err = p.OpenAPI(ctx, cfg.Shared, cfg.API, parts)
	return b, err
}

// route runs what sends until ctx is done.
func (b backends) route(ctx context.Context) error {
	if b.hubs == nil {
		return nil
	}
	return b.hubs.Run(ctx)
}

// serve answers backends until ctx is done, and finishes what it has taken.
func (b backends) serve(ctx context.Context) error {
	if b.api == nil {
		return nil
	}
	return b.api.Run(ctx)
}

// edgeDied tells what sends that an edge is no more.
func (b backends) edgeDied(dead presence.EdgeID) {
	if b.hubs != nil {
		b.hubs.DropEdge(dead)
	}
}

// madeAnew is what is to be called of a log that was made anew; nil for nothing.
func (b backends) madeAnew() func(p int) {
	if b.hubs == nil {
		return nil
	}
	return b.hubs.MadeAnew
}
