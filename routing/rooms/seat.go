package rooms

import "limegrove/room"

// Seat is a session's place in one room, from Enter to Leave.
type Seat struct {
	hall     *hall
	occupant Occupant

	// Guarded by the shard.
	state seatState
	at    int  // where it is in the hall's list, while it is active
	heard bool // given something this turn, and on the shard's list

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

// Activate lets the occupant hear what is published.
func (s *Seat) Activate() {
	h := s.hall
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if s.state != reserved {
		return
	}
	s.state, s.at = active, len(h.seats)
	h.seats = append(h.seats, s)
	h.shard.rooms.metrics.seats.Inc()
	if k := h.keeping; k != nil && (s.resuming || s.position < k.last) {
		h.fallBehind(s, true)
	}
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
	h.shard.mu.Unlock()
	if was != left {
		h.leave()
	}
}
