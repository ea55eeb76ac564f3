package rooms

import (
	"context"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/subject"
)

// hall is an edge's record of one room that sessions of its are in.
type hall struct {
	listening

	// Set when it is made and not changed.
	key     hallKey
	shape   *shape
	keeping *keeping // nil when the room keeps nothing

	// Guarded by the shard.
	places   int       // seats, and those that were reserved; the hall ends with the last
	seats    []*Seat   // those that hear
	gathered *gathered // nil when nothing is, as always while the shard is not locked
}

// hallKey is a room with what a wildcard of its means.
type hallKey struct {
	domain string // folded
	name   room.Name
	wild   bool
}

// shape is an edge's record of the rooms of one shape, and hears what goes to all that a
// wildcard means.
type shape struct {
	listening

	key         shapeKey
	exact, wild room.Index[*hall] // those whose own wildcard means nothing, and any value
}

// shapeKey is what rooms have in common that one publication with a wildcard can reach.
type shapeKey struct{ domain, shape string }

// join returns a room's hall with a place in it reserved, which leave gives back, when the
// broker has its subscriptions. The first to come makes them, the others wait for it.
func (s *shard) join(ctx context.Context, at Address, wild bool) (*hall, error) {
	var k *keeping
	if !wild { // of many rooms there is no order
		var err error
		if k, err = s.rooms.keep(at); err != nil {
			return nil, err
		}
	}
	text, _ := at.Name.Split()
	domain := string(lime.AppendFold(nil, []byte(at.Domain)))
	key, shapeOf := hallKey{domain, at.Name, wild}, shapeKey{domain, text}
	s.mu.Lock()
	h, x := s.halls[key], s.shapes[shapeOf]
	newHall, newShape := h == nil, x == nil
	if !newHall && h.places >= s.rooms.cfg.MaxSeats {
		s.mu.Unlock()
		return nil, ErrCrowded
	}
	if newShape {
		x = &shape{listening: listen(s), key: shapeOf}
		s.shapes[shapeOf] = x
	}
	if newHall {
		h = &hall{listening: listen(s), key: key, shape: x, keeping: k}
		s.halls[key] = h
		x.index(wild).Set(at.Name, h)
		s.rooms.metrics.rooms.Inc()
	}
	h.places++
	s.mu.Unlock()

	// The wide one first: whoever finds it missing has made it.
	err := x.open(ctx, newShape, x)
	if errOfRoom := h.open(ctx, newHall, h); err == nil {
		err = errOfRoom
	}
	if err == nil {
		err = s.awaitInterest(ctx, &x.listening, &h.listening)
	}
	if err != nil {
		h.leave()
		return nil, err
	}
	return h, nil
}

// leave gives a place back; the last one out ends the subscription, and that of the shape
// when there is no other room of it.
func (h *hall) leave() {
	s, x := h.shard, h.shape
	s.mu.Lock()
	if h.places--; h.places > 0 {
		s.mu.Unlock()
		return
	}
	delete(s.halls, h.key)
	x.index(h.key.wild).Delete(h.key.name)
	s.rooms.metrics.rooms.Dec()
	ended := []*nats.Subscription{h.sub}
	if x.exact.Len()+x.wild.Len() == 0 {
		delete(s.shapes, x.key)
		ended = append(ended, x.sub)
	}
	s.mu.Unlock()
	s.unsubscribe(ended)
}

func (h *hall) to() (string, error) { return subject.Room(h.key.domain, h.key.name, h.key.wild) }

func (h *hall) hear(msg *nats.Msg) {
	switch sequence, before, ok := sequences(msg); {
	case !ok:
		h.gather(msg.Data, 0)
	case h.keeping == nil:
		h.gather(stamped(msg.Data, sequence), 0)
	default:
		h.hearKept(msg, sequence, before)
	}
}

func (x *shape) index(wild bool) *room.Index[*hall] {
	if wild {
		return &x.wild
	}
	return &x.exact
}

func (x *shape) to() (string, error) { return subject.WideAll(x.key.domain, x.key.shape) }

func (x *shape) hear(msg *nats.Msg) {
	n, ok := subject.SplitWide(msg.Subject)
	if !ok {
		x.shard.rooms.metrics.drop(dropMalformed)
		return
	}
	for _, h := range x.exact.Reached(n, room.Publisher) {
		h.gather(msg.Data, 0)
	}
	for _, h := range x.wild.Reached(n, room.Both) {
		h.gather(msg.Data, 0)
	}
}
