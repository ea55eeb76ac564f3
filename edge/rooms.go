package edge

import (
	"context"

	"limegrove/room"
)

// Rooms is what an edge needs of routing for rooms.
type Rooms interface {
	// Enter reserves a seat in a room for a session, where nothing is heard before it is
	// active. It blocks for a round trip at most. A wildcard of the room's stands for any
	// value. An error matching *lime.Reason is for the client.
	Enter(ctx context.Context, at RoomAddress, o Occupant) (Seat, error)
	// Publish publishes an envelope to a room, or to all that its wildcard means. It
	// borrows envelope and does not block. An error matching *lime.Reason is for the sender.
	Publish(at RoomAddress, envelope []byte) error
}

// RoomAddress is where a room is.
type RoomAddress struct {
	Domain string // whose room it is
	Name   room.Name
}

// Occupant is a session as its rooms see it. Its methods may be called from anywhere and do
// not block.
type Occupant interface {
	// Deliver queues an envelope, which it borrows, and Flush writes what was queued. An
	// error matches ErrQueueFull when there is no room.
	Deliver(envelope []byte) error
	Flush()
}

// Seat is a session's place in a room.
type Seat interface {
	// Activate lets envelopes through, after the client was told.
	Activate()
	// Leave gives the place up; it may be called twice.
	Leave()
}

// roomRules are what rooms have in common on an edge.
type roomRules struct {
	on      bool // there are rooms
	may     room.Rules
	most    int // rooms of one session
	publish func(at RoomAddress, envelope []byte) error
}

// enter reserves the session a seat, elsewhere. outlet.
func (c *conn) enter(at RoomAddress) {
	c.elsewhere(c.edge.places, func(w *worker) {
		seat, err := c.edge.cfg.Rooms.Enter(w.ctx, at, c)
		if c.back(func() { c.session.entered(at.Name, seat, w.ours(err)) }) != nil && seat != nil {
			seat.Leave()
		}
	}, func(err error) { c.session.entered(at.Name, nil, err) })
}
