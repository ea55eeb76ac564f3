package main

import (
	"context"

	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/event"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/routing/events"
	"limegrove/routing/rooms"
	"limegrove/routing/stream"
)

// openRooms opens what rooms need: a connection to the broker of their own. close ends that.
func openRooms(cfg config.Edge, p *process.Process, rules *process.Rules, streams *stream.Streams, told *events.Publisher) (all halls, end func(), err error) {
	publisher, nc, err := p.RoomPublisher(cfg.Shared, rules, streams)
	if err != nil {
		return halls{}, nil, err
	}
	c := rooms.Config{PublisherConfig: publisher, Registry: p.Presence, Edge: p.Incarnation(), ID: cfg.ID, Tracer: p.Tracer}
	if told.Wants(event.RoomJoined) || told.Wants(event.RoomLeft) {
		c.Events = told
	}
	return halls{rooms.New(c)}, nc.Close, nil
}

// halls fits routing's rooms to what an edge asks of them.
type halls struct{ *rooms.Rooms }

// Enter is that of edge.Rooms.
func (h halls) Enter(ctx context.Context, e edge.RoomEntry, o edge.Occupant) (edge.Seat, error) {
	seat, err := h.Rooms.Enter(ctx, rooms.Entry{
		Address: addressOf(e.RoomAddress), Wild: !e.Literal, Visitor: rooms.Visitor{Node: e.Node, Session: e.Session}, Since: e.Since,
	}, occupant{o})
	if err == nil && e.Attend {
		if err = seat.Attend(ctx); err != nil {
			seat.Leave()
		}
	}
	if err != nil {
		return nil, process.RoomReason(err)
	}
	return seat, nil
}

// Occupants is that of edge.Rooms.
func (h halls) Occupants(ctx context.Context, at edge.RoomAddress) (count int, who []lime.Identity, err error) {
	return h.Rooms.Occupants(ctx, addressOf(at))
}

// Publish is that of edge.Rooms.
func (h halls) Publish(at edge.RoomAddress, p edge.RoomPublication) (later bool, err error) {
	if stored := p.Stored; stored != nil {
		p.Stored = func(err error) { stored(process.RoomReason(err)) }
	}
	later, err = h.Rooms.Publish(addressOf(at), !at.Literal, rooms.Publication(p))
	return later, process.RoomReason(err)
}

func addressOf(at edge.RoomAddress) rooms.Address {
	return rooms.Address{Domain: at.Domain, Name: at.Name}
}

// occupant fits a session of an edge to rooms.
type occupant struct{ edge.Occupant }

// Hear is that of rooms.Occupant.
func (o occupant) Hear(_ *rooms.Seat, r *prepared.Run, from, to int) (n int, err error) {
	return o.Occupant.Hear(r, from, to)
}

var (
	_ edge.Rooms = halls{}
	_ edge.Seat  = (*rooms.Seat)(nil)
)
