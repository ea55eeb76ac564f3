package rooms

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/stream"
)

// keeping is what a hall knows of what its room keeps.
type keeping struct {
	p       int
	log     string // the room's subject in the stream
	history room.History

	// Guarded by the shard.
	last     uint64 // up to where in the stream everything is known
	catching bool   // seats that are behind are being read for
	read     uint64 // up to where that has come
	until    uint64 // up to where it goes before it begins again

	// Owned by whoever reads for them.
	pause time.Duration // before the next try
}

// begin finds a seat its place: behind what the room has, or where since says.
func (s *Seat) begin(ctx context.Context, since *uint64) error {
	k := s.hall.keeping
	if k == nil {
		return nil
	}
	r := s.hall.shard.rooms
	s.place.Kept = true
	if since == nil {
		state, err := r.cfg.Streams.RoomsState(ctx, k.p)
		if err != nil {
			return fmt.Errorf("find a room's end: %w", err)
		}
		s.place.Position, s.position = state.Last, state.Last
		s.hall.knows(state.Last)
		return nil
	}
	// The message at the position, and one behind it, which tell how many there are.
	page, err := r.cfg.Streams.ReadRoom(ctx, k.p, k.log, max(*since, 1), 2, pageBytes)
	if err != nil {
		return fmt.Errorf("find a place in a room: %w", err)
	}
	missed := page.Messages
	held := len(missed) > 0 && missed[0].Sequence == *since
	if held {
		missed = missed[1:]
	}
	state, err := r.cfg.Streams.RoomsState(ctx, k.p)
	if err != nil {
		return fmt.Errorf("find a room's end: %w", err)
	}
	s.hall.knows(state.Last)
	s.resuming = true
	s.position = min(*since, state.Last)
	s.place.Position = s.position
	n := len(missed) + page.Pending
	// Where the message is that the session has had last, whatever came behind it is, too,
	// also when the replica that has answered is behind: the oldest go first.
	s.place.Continuous = held || *since <= state.Last && proves(state, *since, n)
	if k.history.Count > 0 && n > k.history.Count {
		s.skip, s.place.Continuous = n-k.history.Count, false
	}
	if k.history.Age > 0 {
		s.notBefore = time.Now().Add(-k.history.Age)
		if len(missed) > 0 && missed[0].Stored.Before(s.notBefore) {
			s.place.Continuous = false
		}
	}
	s.forgiven = !s.place.Continuous
	return nil
}

// progress is how far a seat is in what its room keeps.
type progress struct {
	place room.Place // where it began

	// Guarded by the shard.
	position  uint64    // what is not above it has been handed out, or is not wanted
	resuming  bool      // it has asked for what is above its position
	behind    bool      // it is read for
	ready     bool      // it has room for what is read
	forgiven  bool      // it knows already that something may be missing
	skip      int       // how many messages it is not to have
	notBefore time.Time // nor those from before
}

// proves tells whether n messages are all that a room was given behind a position.
func proves(state stream.RoomsState, position uint64, n int) bool {
	return state.First <= position+1 && n < state.Most
}

// knows notes up to where the stream has been seen. Once somebody hears what is live, the
// copies alone tell it: one may be on its way still that the stream has had for long.
func (h *hall) knows(last uint64) {
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if len(h.seats) == 0 {
		h.keeping.last = max(h.keeping.last, last)
	}
}

// The headers of what a stream tells that it has stored.
const (
	headerSequence = "Nats-Sequence"
	headerLast     = "Nats-Last-Sequence" // of the message before in the same room
)

// sequences returns the position of a message, and of the one before it. It is not ok for
// one that no stream has.
func sequences(m *nats.Msg) (sequence, before uint64, ok bool) {
	if m.Header == nil {
		return 0, 0, false
	}
	sequence, err := strconv.ParseUint(m.Header.Get(headerSequence), 10, 64)
	if err != nil {
		return 0, 0, false
	}
	before, err = strconv.ParseUint(m.Header.Get(headerLast), 10, 64)
	return sequence, before, err == nil
}

// stamped returns an envelope with its position.
func stamped(envelope []byte, position uint64) []byte {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return envelope // nobody of ours has published it
	}
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], position, 10)
	return h.AppendWithMetadata(make([]byte, 0, len(envelope)+64), envelope, room.PositionKey, string(text))
}

// hearKept takes a message that the stream has stored. The shard is locked.
func (h *hall) hearKept(m *nats.Msg, sequence, before uint64) {
	k := h.keeping
	if sequence <= k.last {
		return
	}
	missing := before > k.last
	k.last = sequence
	if missing {
		h.handOut()
		h.allFallBehind()
		return
	}
	h.gather(stamped(m.Data, sequence), sequence)
}

// fallBehind has a seat get what it lacks from the stream, at once or when what waits for
// its client has left. The shard is locked.
func (h *hall) fallBehind(s *Seat, now bool) {
	s.behind = true
	if s.ready = s.ready || now; s.ready && !h.keeping.catching {
		h.keeping.catching = true
		h.shard.rooms.catchUps[h.keeping.p].add(h)
	}
}

// allFallBehind has all get what they lack. The shard is locked.
func (h *hall) allFallBehind() {
	for _, s := range h.seats {
		h.fallBehind(s, true)
	}
}

// Drained is told that what waited for the occupant's client has left. It does not block.
func (s *Seat) Drained() {
	h := s.hall
	if h.keeping == nil {
		return
	}
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if s.state == active && s.behind && !s.ready {
		h.fallBehind(s, true)
	}
}

// Place is where the seat was when it was entered.
func (s *Seat) Place() room.Place {
	if s.hall.keeping == nil {
		return room.Place{}
	}
	return s.place
}
