package process

import (
	"context"
	"fmt"
	"time"

	"limegrove/internal/config"
	"limegrove/routing/stream"
	"limegrove/routing/sweep"
)

// openPatience is how long JetStream may take to have its streams ready when a process
// starts: an election, or the start of the whole cluster.
const openPatience = 30 * time.Second

// OpenStreams makes the log and the inbox, or checks those that are there.
func (p *Process) OpenStreams(ctx context.Context, cfg config.Shared) (*stream.Streams, error) {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	s, err := stream.Open(ctx, stream.Config{
		NATS: p.NATS, Partitions: cfg.Partitions, Replicas: cfg.Replicas, DuplicateWindow: cfg.DuplicateWindow,
		Lifetime: cfg.MessageLifetime, InboxLimit: cfg.InboxLimit, LogBytes: int64(cfg.LogBytes), InboxBytes: int64(cfg.InboxBytes), Logger: p.Log, Metrics: p.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	return s, nil
}

// Sweeper makes a router's part in sweeping.
func (p *Process) Sweeper(cfg config.Shared, streams *stream.Streams) *sweep.Sweeper {
	return sweep.New(sweep.Config{
		Streams: streams, Registry: p.Presence, Router: p.Incarnation(), ID: cfg.ID,
		Lifetime: cfg.MessageLifetime, Logger: p.Log, Metrics: p.Metrics,
	})
}
