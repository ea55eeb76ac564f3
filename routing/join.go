package routing

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/routing/subject"
)

// join returns the hub of an identity with a place in it reserved, which release
// gives back. The first to come makes the subscription, the others wait for it.
func (h *Hubs) join(ctx context.Context, key subject.Key) (*hub, error) {
	s := h.shardOf(key)
	s.mu.Lock()
	b := s.hubs[key]
	first := b == nil
	if first {
		b = &hub{key: key, shard: s, ready: make(chan struct{})}
		s.hubs[key] = b
		h.metrics.hubs.Inc()
	}
	b.users++
	ready := b.ready
	s.mu.Unlock()

	if first {
		sub, err := h.cfg.NATS.ChanSubscribe(key.Hub(), s.messages)
		s.mu.Lock()
		b.sub, b.err, b.ready = sub, err, nil
		s.mu.Unlock()
		close(ready)
	} else if ready != nil {
		select {
		case <-ready:
		case <-ctx.Done():
			h.release(b)
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	err := b.err
	s.mu.Unlock()
	if err != nil {
		h.release(b)
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return b, nil
}

// release gives a place in a hub back; the last one out ends the subscription.
func (h *Hubs) release(b *hub) {
	s := b.shard
	s.mu.Lock()
	b.users--
	last := b.users == 0
	if last && s.hubs[b.key] == b {
		delete(s.hubs, b.key)
		h.metrics.hubs.Dec()
	}
	sub := b.sub
	h.countLost(b)
	s.mu.Unlock()
	if !last || sub == nil {
		return
	}
	if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		h.log.WithError(err).Warn("could not end a subscription")
	}
}
