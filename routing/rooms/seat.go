package rooms

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/room"
)

// Seat is a session's place in one room, from Enter to Leave.
type Seat struct {
	hall     *hall
	occupant Occupant
	visitor  Visitor

	// Guarded by the shard.
	state    seatState
	at       int       // where it is in the hall's list, while it is active
	heard    bool      // given something this turn, and on the shard's list
	stay     *stay     // nil while others do not know of it
	audience *audience // nil when its session does not want to know who is there
	attends  int       // one more than where it is in the audience's list; 0 while it is not
	greeted  bool      // as one of the audience

	*progress // nil in a room that keeps nothing
}

type seatState uint8

const (
	reserved seatState = iota
	active
	left
)

// Room is the room that the seat is in.
func (s *Seat) Room() room.Name { return s.hall.key.name }

// Activate lets the occupant hear what is published, and others know that it is there.
func (s *Seat) Activate() {
	h := s.hall
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if s.state != reserved {
		return
	}
	s.state, s.at = active, len(h.seats)
	h.seats = append(h.seats, s)
	s.stay = h.shard.rooms.attendance.come(roomKey{h.key.domain, h.key.name}, s.visitor)
	h.shard.rooms.metrics.seats.Inc()
	if s.audience != nil {
		s.audience.add(s)
	}
	if k := h.keeping; k != nil && (s.resuming || s.position < k.last) {
		h.fallBehind(s, true)
	}
}

// Attend has the occupant told who is in the room, and from then on who comes and goes: by
// commands of LIME, observe, as it hears what is published. It blocks for a round trip.
func (s *Seat) Attend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.hall.shard.rooms.cfg.Timeout)
	defer cancel()
	shard := s.hall.shard
	shard.mu.Lock()
	if s.audience != nil || s.state == left {
		shard.mu.Unlock()
		return nil
	}
	a, first := shard.audienceOf(roomKey{s.hall.key.domain, s.hall.key.name})
	s.audience = a
	a.places++ // the seat's, which may leave before the subscription is made
	shard.mu.Unlock()
	err := a.open(ctx, first, a)
	if err == nil {
		err = shard.awaitInterest(ctx, &a.listening)
	}
	shard.mu.Lock()
	switch {
	case s.audience != a: // it has left meanwhile
	case err != nil:
		a.remove(s)
	case s.state == active:
		a.add(s)
	}
	ended := a.release()
	shard.mu.Unlock()
	shard.unsubscribe([]*nats.Subscription{ended})
	if err != nil {
		return fmt.Errorf("attend a room: %w", err)
	}
	return nil
}

// Leave gives the seat up; it may be called twice. The occupant hears nothing any more when
// it has returned, but may still be flushed.
func (s *Seat) Leave() {
	h := s.hall
	h.shard.mu.Lock()
	was := s.state
	s.state = left
	if was == active {
		last := len(h.seats) - 1
		moved := h.seats[last]
		h.seats[s.at], moved.at = moved, s.at
		h.seats[last] = nil
		h.seats = h.seats[:last]
		h.shard.rooms.metrics.seats.Dec()
	}
	var ended *nats.Subscription
	if s.audience != nil && was != left {
		ended = s.audience.remove(s)
	}
	gone := s.stay
	s.stay = nil
	h.shard.mu.Unlock()
	if gone != nil {
		h.shard.rooms.attendance.leave(gone)
	}
	h.shard.unsubscribe([]*nats.Subscription{ended})
	if was != left {
		h.leave()
	}
}
