package rooms

import (
	"slices"

	"limegrove/prepared"
	"limegrove/tracing"
)

// gathered is what has come for one room and was not handed out yet. It is handed out before the shard is
// unlocked, to one seat after another, so that each is visited once for all of it.
type gathered struct {
	run       prepared.Run
	sequences []uint64        // where in the room's stream each is; none of what is live alone
	spans     []*tracing.Span // of those that are traced
}

// maxRun is how many bytes are gathered for one room. What is made of them for all is one piece of memory.
const maxRun = 64 << 10

// gather takes an envelope for all in a room; sequence is 0 when it is no message that the room keeps. The shard
// is locked by its goroutine.
func (h *hall) gather(envelope []byte, sequence uint64) {
	if len(h.seats) == 0 {
		return
	}
	if g := h.gathered; g != nil && (g.run.Bytes() >= maxRun || (sequence != 0) != (len(g.sequences) != 0)) {
		h.handOut()
	}
	s := h.shard
	if h.gathered == nil {
		h.gathered = s.spare()
		h.gathered.run.Reset(len(h.seats))
		s.gathering = append(s.gathering, h)
	}
	g := h.gathered
	if s.rooms.cfg.Tracer != nil {
		envelope = h.trace(envelope, sequence != 0)
	}
	g.run.Add(envelope)
	if sequence != 0 {
		g.sequences = append(g.sequences, sequence)
	}
	s.copies += len(h.seats)
}

// trace begins the span of an envelope that is traced, one for all seats here. What is handed out is a copy with the span as
// its parent.
func (h *hall) trace(envelope []byte, kept bool) []byte {
	t := h.shard.rooms.cfg.Tracer
	header := &h.shard.header
	if _, err := header.Scan(envelope); err != nil {
		return envelope // as it was published
	}
	envelope, span := t.Delivered(header, nil, envelope)
	if span != nil {
		span.Stored, span.Copies = kept, len(h.seats)
		h.gathered.spans = append(h.gathered.spans, span)
	}
	return envelope
}

// spare returns a gathered that is empty.
func (s *shard) spare() *gathered {
	last := len(s.spares) - 1
	if last < 0 {
		return new(gathered)
	}
	g := s.spares[last]
	s.spares[last] = nil
	s.spares = s.spares[:last]
	return g
}

// maxSpares is how many a shard keeps for the next turn.
const maxSpares = 64

// handOutAll hands out what was gathered for all rooms. The shard is locked by its goroutine.
func (s *shard) handOutAll() {
	for i, h := range s.gathering {
		h.handOut()
		s.gathering[i] = nil
	}
	s.gathering = s.gathering[:0]
}

// handOut queues what was gathered for all in a room. The shard is locked by its goroutine.
func (h *hall) handOut() {
	g, s := h.gathered, h.shard
	if g == nil {
		return
	}
	h.gathered = nil
	heard := 0
	for _, seat := range h.seats {
		hand := h.handLive
		if len(g.sequences) > 0 {
			hand = h.handKept
		}
		if n := hand(seat, g); n > 0 {
			heard += n
			s.toFlush(seat)
		}
	}
	s.rooms.metrics.heard.Add(float64(heard))
	for i, span := range g.spans {
		s.rooms.cfg.Tracer.End(span, nil)
		g.spans[i] = nil
	}
	g.run.Reset(0)
	g.sequences, g.spans = g.sequences[:0], g.spans[:0]
	if len(s.spares) < maxSpares {
		s.spares = append(s.spares, g)
	}
}

// handLive queues for a seat what it gets now or never, and returns how much. What there is no room for is
// dropped, each for itself.
func (h *hall) handLive(seat *Seat, g *gathered) (heard int) {
	for from := 0; from < g.run.Len(); from++ {
		n, err := seat.occupant.Hear(seat, &g.run, from, g.run.Len())
		heard += n
		from += n
		if err != nil {
			h.shard.rooms.metrics.drop(reasonOf(err))
		}
	}
	return heard
}

// handKept queues for a seat what its room keeps, unless it is behind, and returns how much. What there is no
// room for it reads when there is.
func (h *hall) handKept(seat *Seat, g *gathered) (heard int) {
	from, had := slices.BinarySearch(g.sequences, seat.position)
	if had {
		from++
	}
	if seat.behind || from == len(g.sequences) {
		return 0
	}
	heard, err := seat.occupant.Hear(seat, &g.run, from, g.run.Len())
	if heard > 0 {
		seat.position = g.sequences[from+heard-1]
	}
	if err != nil {
		h.fallBehind(seat, false)
	}
	return heard
}
