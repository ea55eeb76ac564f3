package main

import (
	"context"
	"errors"
	"sync/atomic"

	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/internal/config"
	"limegrove/internal/status"
)

// sights shows the sessions of an edge, which is nil before it has all that it needs, on the status page.
type sights struct{ of *atomic.Pointer[edge.Edge] }

// sessions is that of status.ReporterConfig.
func (s sights) sessions(ctx context.Context, n int) (busiest, slowest []status.Session) {
	e := s.of.Load()
	if e == nil {
		return nil, nil
	}
	busy, slow := e.Sights(ctx, n)
	return sessionsOf(busy), sessionsOf(slow)
}

func sessionsOf(all []edge.Sight) []status.Session {
	sessions := make([]status.Session, len(all))
	for i, s := range all {
		sessions[i] = status.Session{
			Node: s.Node, Remote: s.Remote, Over: s.Over, Received: status.Rate(s.Received), Sent: status.Rate(s.Sent),
			Queued: s.Queued, Slow: s.Slow.Seconds(),
		}
	}
	return sessions
}

// queueBounds are the bounds of queues that the configuration in force has; none before there is one.
func queueBounds(of *process.Reload[config.Edge]) map[string]float64 {
	if of == nil {
		return nil
	}
	cfg := of.Current()
	return map[string]float64{"max-queued": float64(cfg.MaxQueued), "max-held": float64(cfg.MaxHeld)}
}

var errStarts = errors.New("the edge is about to start")

// rebalance is that of status.Config.
func (s sights) rebalance() (surplus int, err error) {
	e := s.of.Load()
	if e == nil {
		return 0, errStarts
	}
	return e.Rebalance()
}
