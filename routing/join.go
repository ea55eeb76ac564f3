package routing

import (
	"fmt"

	"limegrove/routing/subject"
)

// household is a hub and the member that it is made for. Most identities have one session at a time: so both are
// one object, of a size that little else has, and a login's garbage leaves fewer holes beside it.
type household struct {
	hub   hub
	first Member
}

// join returns a new member, with the hub of an identity and a place in it reserved, which release
// gives back. The first to come subscribes.
func (h *Hubs) join(key subject.Key) (*Member, error) {
	if h.listening != nil {
		return nil, fmt.Errorf("subscribe: %w", h.listening)
	}
	s := h.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	var m *Member
	b := s.hubs.find(key)
	if b != nil {
		m = new(Member)
	} else {
		h.here.of(h.hash(key)).Add(oneHub)
		both := &household{hub: hub{key: key, shard: s, partition: h.partition(key), interest: s.interest.Add(string(key))}}
		b, m = &both.hub, &both.first
		s.hubs.add(b)
		h.metrics.hubs.Inc()
	}
	b.users++
	m.hub = b
	return m, nil
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
	s.hubs.remove(b)
	s.ended.add(b)
	delete(s.unheard, b)
	h.here.of(h.hash(b.key)).Add(-oneHub)
	h.metrics.hubs.Dec()
}
