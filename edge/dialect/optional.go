package dialect

import (
	"context"

	"limegrove/room"
)

// Asker is a Client about which somebody has to be asked before its session begins.
type Asker interface {
	// Ask asks, and blocks as long as that takes, until ctx is done at the latest. It is
	// called once, by a worker, and Login after it. Nothing is taken of the client before.
	Ask(ctx context.Context)
}

// Subscriber is a Client that may be in rooms.
type Subscriber interface {
	// Entered is told whether a room of the last Said.Enter was entered, in their order, and
	// returns the answer to that.
	Entered(ok bool) (answer []byte)
	// Publication appends the frame that brings an envelope, which it borrows, to one of
	// the client's subscriptions. It is not ok when there is none. It may be called from
	// anywhere.
	Publication(dst []byte, s Subscription, envelope []byte) (frame []byte, ok bool)
	// Missed is told that there was no room for such a frame, from anywhere. The
	// connection is cut then.
	Missed()
}

// Subscription is a room that a client has subscribed to, under an id of its own. It may
// subscribe to one room under several ids, and under one id to several rooms.
type Subscription struct {
	Room    room.Name
	Request string // the id, as the dialect writes it
}

// Closer is a Client that is told of its end.
type Closer interface {
	// Closed is called once, when the connection is gone, whatever had come of it.
	Closed()
}

// Ender is a Client that may end its session at any time.
type Ender interface {
	// Ends gives it what ends the session, when that is established. That may be called from anywhere, more than
	// once, and when the connection is gone.
	Ends(end func())
}
