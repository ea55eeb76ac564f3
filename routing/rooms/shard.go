package rooms

import (
	"context"
	"errors"
	"sync"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
)

// maxTurn is how much a shard hands out before it lets go of its lock and writes.
const maxTurn = 256

// shard is a part of an edge's rooms: the channel that their subscriptions share and the
// goroutine that reads it. One room is always in the same shard, which keeps in order what
// is published to it.
type shard struct {
	rooms    *Rooms
	messages chan *nats.Msg

	mu     sync.Mutex
	halls  map[hallKey]*hall
	shapes map[shapeKey]*shape
	of     map[*nats.Subscription]listener

	// Owned by the goroutine.
	heard []*Seat // given something this turn
}

func newShard(r *Rooms) *shard {
	return &shard{
		rooms: r, messages: make(chan *nats.Msg, r.cfg.Backlog),
		halls: map[hallKey]*hall{}, shapes: map[shapeKey]*shape{}, of: map[*nats.Subscription]listener{},
	}
}

// run hands out what NATS brings, in order, until ctx is done. What one turn has for a
// session leaves in one write.
func (s *shard) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-s.messages:
			s.turn(msg)
		}
	}
}

// turn hands out a message, and what waits behind it.
func (s *shard) turn(msg *nats.Msg) {
	s.mu.Lock()
	s.hear(msg)
more:
	for range maxTurn - 1 {
		select {
		case msg := <-s.messages:
			s.hear(msg)
		default:
			break more
		}
	}
	for _, seat := range s.heard {
		seat.heard = false
	}
	s.mu.Unlock()
	for i, seat := range s.heard {
		seat.occupant.Flush()
		s.heard[i] = nil
	}
	s.heard = s.heard[:0]
}

// hear takes one message, unless whom it is for has left. The shard is locked.
func (s *shard) hear(msg *nats.Msg) {
	if l := s.of[msg.Sub]; l != nil {
		l.hear(msg)
	}
}

// give queues an envelope for all in a room. The shard is locked.
func (h *hall) give(envelope []byte) {
	s := h.shard
	m := s.rooms.metrics
	for _, seat := range h.seats {
		switch err := seat.occupant.Hear(seat, envelope); {
		case err == nil:
			m.heard.Inc()
			if !seat.heard {
				seat.heard = true
				s.heard = append(s.heard, seat)
			}
		case errors.Is(err, errQueueFull):
			m.drop(dropQueueFull)
		default:
			m.drop(dropClosed)
		}
	}
}

// errQueueFull is matched by every reason of its code, and so by routing's ErrQueueFull.
var errQueueFull error = &lime.Reason{Code: lime.CodeDispatchError}

// brokerError takes what goes wrong behind the client library's back. That a shard's
// channel was full it tells once for a subscription until there is room again.
func (r *Rooms) brokerError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if !errors.Is(err, nats.ErrSlowConsumer) || sub == nil {
		r.cfg.Logger.WithError(err).Warn("NATS")
		return
	}
	for _, s := range r.shards {
		s.mu.Lock()
		s.countLost(sub)
		s.mu.Unlock()
	}
}
