package process

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/certs"
	"limegrove/connector"
	"limegrove/document"
	"limegrove/internal/config"
	"limegrove/room"
	"limegrove/router"
	"limegrove/routing/events"
	"limegrove/routing/stream"
	"limegrove/routing/sweep"
)

// OpenStreams makes the log and the inbox, or checks those that are there. It waits for
// JetStream.
func (p *Process) OpenStreams(ctx context.Context, cfg config.Shared, rules room.Rules) (s *stream.Streams, err error) {
	err = p.Patiently(ctx, "the log and the inbox", func(ctx context.Context) error {
		s, err = stream.Open(ctx, stream.Config{
			NATS: p.NATS, Partitions: cfg.Partitions, Replicas: cfg.Replicas, DuplicateWindow: cfg.DuplicateWindow,
			Lifetime: cfg.MessageLifetime, InboxLimit: cfg.InboxLimit,
			Events: len(cfg.Events) > 0, EventsAge: cfg.EventsAge, EventsBytes: int64(cfg.EventsBytes),
			Rooms: rules.Keep(), RoomMessages: cfg.RoomMessages, RoomAge: cfg.RoomAge, RoomBytes: int64(cfg.RoomBytes),
			LogBytes: int64(cfg.LogBytes), InboxBytes: int64(cfg.InboxBytes), Logger: p.Log, Metrics: p.Metrics,
		})
		return err
	})
	if errors.Is(err, stream.ErrSettings) {
		return nil, fmt.Errorf("-duplicate-window, -message-lifetime, -inbox-limit, -inbox-bytes, -log-bytes, -events-age and -events-bytes "+
			"must be what they were when the cluster was made: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	return s, nil
}

// OpenRouter makes a router, and what edges may not make and no router needs. It waits for JetStream.
func (p *Process) OpenRouter(ctx context.Context, cfg router.Config, replicas int) (r *router.Router, err error) {
	err = p.Patiently(ctx, "the accounts", func(ctx context.Context) error {
		if err := p.makeForEdges(ctx, replicas); err != nil {
			return err
		}
		r, err = router.New(ctx, cfg)
		return err
	})
	return r, err
}

// makeForEdges makes the buckets that edges alone read and write. Who may make a stream chooses what is in it: an edge's user of NATS
// would have it copy what is not for edges.
func (p *Process) makeForEdges(ctx context.Context, replicas int) error {
	js, err := jetstream.New(p.NATS)
	if err != nil {
		return err
	}
	for _, name := range []string{connector.Bucket, certs.CertificatesBucket, certs.RevocationsBucket} {
		if _, err := document.Open(ctx, document.Config{JetStream: js, Name: name, Replicas: replicas}); err != nil {
			return err
		}
	}
	return nil
}

// Sweeper makes a router's part in sweeping.
func (p *Process) Sweeper(cfg config.Shared, streams *stream.Streams, told *events.Publisher) *sweep.Sweeper {
	return sweep.New(sweep.Config{
		Keep:    cfg.DuplicateWindow,
		Streams: streams, Registry: p.Presence, Router: p.Incarnation(), ID: cfg.ID, Domains: cfg.Domains,
		Events: told, Lifetime: cfg.MessageLifetime, Logger: p.Log, Metrics: p.Metrics,
	})
}
