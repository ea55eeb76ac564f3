package routing

import (
	"fmt"

	"limegrove/routing/subject"
)

// join returns the hub of an identity with a place in it reserved, which release
// gives back. The first to come subscribes.
func (h *Hubs) join(key subject.Key) (*hub, error) {
	if h.listening != nil {
		return nil, fmt.Errorf("subscribe: %w", h.listening)
	}
	s := h.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.hubs[key]
	if b == nil {
		h.here.of(h.hash(key)).Add(oneHub)
		b = &hub{key: key, shard: s, partition: h.partition(key), interest: s.interest.Add(string(key))}
		s.hubs[key] = b
		h.metrics.hubs.Inc()
	}
	b.users++
	return b, nil
}

// release gives a place in a hub back; the last one out ends the subscription, before a
// successor can begin its own: nothing comes for both.
func (h *Hubs) release(b *hub) {
	s := b.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	h.countLost(s)
	if b.users--; b.users > 0 {
		return
	}
	s.interest.Remove(b.interest)
	delete(s.hubs, b.key)
	delete(s.unheard, b)
	h.here.of(h.hash(b.key)).Add(-oneHub)
	h.metrics.hubs.Dec()
}
