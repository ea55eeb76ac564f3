package edge

import (
	"errors"

	"limegrove/edge/dialect"
	"limegrove/edge/poll"
	"limegrove/lime"
	"limegrove/prepared"
)

// subscribe enters the next room for the client of a dialect, elsewhere. Nothing more is taken
// of it before: its answers come in the order of its requests.
func (c *conn) subscribe() {
	k := c.speaks()
	s := k.entering[0]
	k.entering = k.entering[1:]
	if c.edge.cfg.Load().Rooms == nil {
		c.subscribed(s, nil, reasonNoRoom)
		return
	}
	k.awaiting = true
	c.steer()
	// Nobody is told who is in the room: the dialect has no words for it.
	at := RoomEntry{RoomAddress: RoomAddress{Domain: k.login.Rooms, Name: s.Room, Literal: k.login.Literal}}
	c.elsewhere(c.edge.halls, func(w *worker) {
		seat, err := c.edge.cfg.Load().Rooms.Enter(w.ctx, at, &subscriber{c, s})
		if c.back(func() { c.subscribed(s, seat, w.ours(err)) }) != nil && seat != nil {
			seat.Leave()
		}
	}, func(err error) { c.subscribed(s, nil, err) })
}

// subscribed takes the seat. The client hears that it is in the room before anything of it. Of
// one that cannot be entered now it hears nothing but the end of its session: most clients take
// an answer for good, or look at none, and all come again.
func (c *conn) subscribed(s dialect.Subscription, seat Seat, err error) {
	if c.session.state != lime.StateEstablished {
		if seat != nil {
			seat.Leave()
		}
		return
	}
	var ours *busy
	if err != nil && (lime.AsReason(err) == nil || errors.As(err, &ours)) {
		c.speaks().counts.dropped.WithLabelValues(dropNoRoom).Inc()
		c.session.finish()
		return
	}
	k := c.speaks()
	if answer := k.rooms.Entered(err == nil); answer != nil && !c.answerDialect(answer) {
		if seat != nil {
			seat.Leave()
		}
		return
	}
	if err == nil {
		if k.seats == nil {
			k.seats = map[dialect.Subscription]Seat{}
		}
		k.seats[s] = seat
		seat.Activate()
	}
	if len(k.entering) > 0 {
		c.subscribe()
		return
	}
	k.entering = nil
	c.goOn()
}

// dropNoRoom is the label of a subscription that ended the session.
const dropNoRoom = "no_room"

// leave gives the seats of some subscriptions up.
func (k *speaks) leave(all []dialect.Subscription) {
	for _, s := range all {
		if seat := k.seats[s]; seat != nil {
			seat.Leave()
			delete(k.seats, s)
		}
	}
}

// exit gives all seats up; it may be called twice.
func (k *speaks) exit() {
	for _, seat := range k.seats {
		seat.Leave()
	}
	k.seats = nil
}

// subscriber is the client of a dialect in one of its rooms.
type subscriber struct {
	conn *conn
	to   dialect.Subscription
}

// Hear cuts the connection of a client that reads too slowly, which could not tell what
// it has missed. Occupant.
func (s *subscriber) Hear(r *prepared.Run, from, to int) (n int, err error) {
	for from+n < to && err == nil {
		if err = s.deliver(r.Envelope(from + n)); err == nil {
			n++
		}
	}
	return n, err
}

// deliver queues what an envelope is to the client, if it is anything.
func (s *subscriber) deliver(envelope []byte) error {
	c, k := s.conn, s.conn.speaks()
	t := c.edge.scratch.Get().(*scratch)
	defer c.edge.scratch.Put(t)
	var ok bool
	if t.frame, ok = k.rooms.Publication(t.frame[:0], s.to, envelope); !ok {
		k.counts.untold.Inc()
		return nil
	}
	var array [maxHead]byte
	err := c.put(c.over.appendHead(array[:0], len(t.frame)), t.frame)
	if errors.Is(err, ErrQueueFull) {
		k.rooms.Missed()
		if !k.overrun.Swap(true) {
			k.counts.dropped.WithLabelValues(string(dropQueueFull)).Inc()
			_ = c.back(c.cut) // one that has ended is cut
		}
	}
	return err
}

// Flush writes what was delivered. Occupant.
func (s *subscriber) Flush() { s.conn.Flush() }

// cut ends the connection at once: there is no room for a goodbye.
func (c *conn) cut() {
	if c.phase == closing {
		return
	}
	c.phase = closing
	c.socket.Close(poll.ErrFull)
}

var _ Occupant = (*subscriber)(nil)
