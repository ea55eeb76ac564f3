package main

import (
	"context"

	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/event"
	"limegrove/internal/config"
	"limegrove/prepared"
	"limegrove/room"
	"limegrove/routing/events"
	"limegrove/routing/rooms"
	"limegrove/routing/stream"
)

// openRooms opens what rooms need: a connection to the broker of their own. close ends that.
func openRooms(cfg config.Edge, p *process.Process, rules room.Rules, streams *stream.Streams, told *events.Publisher) (all halls, end func(), err error) {
	publisher, nc, err := p.RoomPublisher(cfg.Shared, rules, streams)
	if err != nil {
		return halls{}, nil, err
	}
	c := rooms.Config{PublisherConfig: publisher, Registry: p.Presence, Edge: p.Incarnation(), ID: cfg.ID}
	if told.Wants(event.RoomJoined) || told.Wants(event.RoomLeft) {
		c.Events = told
	}
	return halls{rooms.New(c)}, nc.Close, nil
}

// halls fits routing's rooms to what an edge asks of them. In LIME the wildcards of both
// sides stand for any value.
type halls struct{ *rooms.Rooms }

// Enter is that of edge.Rooms.
func (h halls) Enter(ctx context.Context, at edge.RoomAddress, o edge.Occupant) (edge.Seat, error) {
	seat, err := h.Rooms.Enter(ctx, rooms.Entry{Address: rooms.Address(at), Wild: true}, occupant{o})
	if err != nil {
		return nil, process.RoomReason(err)
	}
	return seat, nil
}

// Publish is that of edge.Rooms.
func (h halls) Publish(at edge.RoomAddress, envelope []byte) error {
	_, err := h.Rooms.Publish(rooms.Address(at), true, rooms.Publication{Envelope: envelope})
	return process.RoomReason(err)
}

// occupant is a session of an edge in its rooms.
type occupant struct{ edge.Occupant }

// Hear is that of rooms.Occupant.
func (o occupant) Hear(_ *rooms.Seat, r *prepared.Run, from, to int) (n int, err error) {
	for from+n < to && err == nil {
		if err = o.Deliver(r.Envelope(from + n)); err == nil {
			n++
		}
	}
	return n, err
}
