package poll

import (
	"errors"
	"time"
)

// Errors of connections and groups.
var (
	// ErrClosed says that the connection or its group has ended, or that the
	// connection takes nothing any more because it is about to end.
	ErrClosed = errors.New("poll: closed")
	// ErrFull says that the out queue had no room and the frame was dropped.
	// Handler.Drained is called when the queue is empty again.
	ErrFull = errors.New("poll: out queue is full")
	// ErrTooLong says that a frame is longer than Config.MaxAppend, or, given to
	// Handler.Closed, that there is more unread than Config.MaxUnread.
	ErrTooLong = errors.New("poll: too long")
	// ErrHeld is given to Handler.Closed when more was unread of all connections
	// than Config.MaxHeld, and of this one for longest.
	ErrHeld = errors.New("poll: too much is held")
	// ErrTimeout is given to Handler.Closed when the peer did not take what was
	// queued within the time that Conn.CloseAfterFlush was given.
	ErrTimeout = errors.New("poll: timed out")
)

// Handler is the owner of a connection's bytes. Its methods are called by the
// connection's loop alone, one at a time, and must not block. After a call of
// Conn.Close, Conn.CloseAfterFlush or Conn.CloseWith only Closed is still called.
type Handler interface {
	// Data is given everything that has come and is unread. It borrows b and may
	// change it in place. It returns how many bytes it is done with; the others
	// are kept as it has left them and given again, in front of what comes next.
	//
	// need tells how many bytes there must be for another call to make sense,
	// the kept ones included; 0 when that is not known.
	Data(t *Turn, b []byte) (n, need int)

	// Timer is called once when the deadline of Conn.SetDeadline has passed.
	Timer(t *Turn)

	// Drained is called once after an ErrFull or a call of Conn.WantDrained, when
	// the out queue is empty.
	Drained(t *Turn)

	// Closed is the last call. err is what Conn.Close was given, nil after
	// Conn.CloseAfterFlush has written everything, io.EOF when the peer has ended
	// its side (io.ErrUnexpectedEOF if it did so without TLS's goodbye), and else
	// ErrTimeout, ErrTooLong, ErrHeld, ErrClosed when the group was closed, or the
	// system's error, as syscall.ECONNRESET.
	Closed(t *Turn, err error)
}

// Turn is one round of a loop. It is valid during the call that it is given to
// and belongs to that loop's goroutine.
type Turn struct {
	// Now is the time at which the turn began. A turn asks the clock once.
	Now time.Time

	// Batch is flushed when the turn ends. Any connection may be appended to,
	// also one of another loop.
	Batch Batch
}
