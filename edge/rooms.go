package edge

import (
	"context"

	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/room"
	"limegrove/tracing"
)

// Rooms is what an edge needs of routing for rooms.
type Rooms interface {
	// Enter reserves a seat in a room for a session, where nothing is heard before it is
	// active. It blocks for a round trip or two. An error matching *lime.Reason is for the
	// client.
	Enter(ctx context.Context, e RoomEntry, o Occupant) (Seat, error)
	// Occupants returns how many sessions are in a room, and the identities that have them;
	// nil when they are too many. It blocks for a round trip.
	Occupants(ctx context.Context, at RoomAddress) (count int, who []lime.Identity, err error)
	// Publish publishes to a room, or to all that its wildcard stands for. It borrows the
	// envelope and does not block. Whether the publication's Stored is called, later says:
	// without it there is nothing to wait for. An error matching *lime.Reason is for the
	// sender.
	Publish(at RoomAddress, p RoomPublication) (later bool, err error)
}

// RoomPublication is what is published to a room.
type RoomPublication struct {
	Envelope []byte

	// Key tells it from others in the same room, so that one that comes again is kept once;
	// "" for one that nobody needs to know of.
	Key string
	// Stored is called once, from anywhere, when the room has it, or with why it may not. An
	// error matching *lime.Reason is for the sender.
	Stored func(error)
}

// RoomAddress is where a room is.
type RoomAddress struct {
	Domain string // whose room it is
	Name   room.Name

	// Literal has a wildcard of the name stand for nothing but itself, and not for any value.
	Literal bool
}

// RoomEntry is what a session asks for with a room.
type RoomEntry struct {
	RoomAddress

	// Node is who others are told is in the room, and Session the session's id. Without them
	// nobody is told.
	Node    lime.Node
	Session string

	// Attend has the session told who is in the room.
	Attend bool

	// Since asks for what a room that keeps its messages was given behind a position.
	// Default: for nothing of before.
	Since *uint64
}

// Occupant is a session as its rooms see it. Its methods may be called from anywhere and do
// not block.
type Occupant interface {
	// Hear queues envelopes of a run, from the one with the number from on and before the number to,
	// and returns how many it has queued. When these are not all, the error says why the next one was
	// not: it matches ErrQueueFull when there is no room. It borrows the run. Flush writes what was queued.
	Hear(r *prepared.Run, from, to int) (n int, err error)
	Flush()
}

// Seat is a session's place in a room.
type Seat interface {
	// Place is where the session begins, if the room keeps its messages.
	Place() room.Place
	// Activate lets envelopes through, after the client was told.
	Activate()
	// Drained is told that what waited for the client has left, after there was no room for
	// more.
	Drained()
	// Attend has the session told who is in the room, as RoomEntry.Attend does.
	Attend(ctx context.Context) error
	// Leave gives the place up; it may be called twice.
	Leave()
}

// roomRules are what rooms have in common on an edge.
type roomRules struct {
	on   bool // there are rooms
	may  room.Rules
	most int // rooms of one session
}

// enter reserves the session a seat, elsewhere. outlet.
func (c *conn) enter(e RoomEntry) {
	c.elsewhere(c.edge.halls, func(w *worker) {
		seat, err := c.edge.cfg.Load().Rooms.Enter(w.ctx, e, c)
		if c.back(func() { c.session.entered(e.Name, seat, w.ours(err)) }) != nil && seat != nil {
			seat.Leave()
		}
	}, func(err error) { c.session.entered(e.Name, nil, err) })
}

// attend has the session told who is in a room, elsewhere. outlet.
func (c *conn) attend(n room.Name, seat Seat) {
	c.elsewhere(c.edge.halls, func(w *worker) {
		err := seat.Attend(w.ctx)
		_ = c.back(func() { c.session.attends(n, w.ours(err)) })
	}, func(err error) { c.session.attends(n, err) })
}

// occupants finds out who is in a room, elsewhere. outlet.
func (c *conn) occupants(at RoomAddress, r roomRequest) {
	c.elsewhere(c.edge.halls, func(w *worker) {
		count, who, err := c.edge.cfg.Load().Rooms.Occupants(w.ctx, at)
		_ = c.back(func() { c.session.occupants(at.Name, r, count, who, w.ours(err)) })
	}, func(err error) { c.session.occupants(at.Name, r, 0, nil, err) })
}

// publish publishes to a room. With an id the session's published is called, soon, when the
// room keeps it, which later says, with the span of that, nil for none. outlet.
func (c *conn) publish(at RoomAddress, envelope []byte, id string, span *tracing.Span) (later bool, err error) {
	p := RoomPublication{Envelope: envelope}
	if id != "" {
		p.Key = c.session.who.String() + "\n" + id
		p.Stored = func(err error) {
			// A connection that has ended needs no answer.
			if c.back(func() { c.session.published(id, span, err) }) != nil {
				c.session.rules.tracer.End(span, lime.AsReason(err))
			}
		}
	}
	return c.edge.cfg.Load().Rooms.Publish(at, p)
}
