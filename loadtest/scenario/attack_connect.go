package scenario

import (
	"bytes"
	"errors"
	"time"

	"limegrove/edge/poll"
)

// connect is one address that connects, asks for a WebSocket, ends when it is answered, and connects again, as fast as
// it can.
type connect struct {
	*attack
	underWay map[*attempt]struct{}
}

func newConnect(a *attack) (Scenario, error) {
	return &connect{attack: a, underWay: map[*attempt]struct{}{}}, nil
}

// Tick is that of Scenario.
func (c *connect) Tick(_ *poll.Turn, now time.Duration) (next time.Duration) {
	if !c.on(now) {
		for one := range c.underWay {
			one.cut()
		}
		return now + attackTick
	}
	for len(c.underWay) < c.load.Attackers {
		one := &attempt{of: c}
		if c.engine.Dial(int(c.count.Connected), 0, one.open) != nil {
			break // the address has no port any more, for a moment
		}
		c.count.Connected++
		c.underWay[one] = struct{}{}
	}
	return now + attackTick
}

// attempt is one connection.
type attempt struct {
	of   *connect
	conn *poll.Conn // nil until it is connected
}

// cut ends it, if there is anything to end yet.
func (a *attempt) cut() {
	if a.conn != nil {
		a.conn.Close(errQuiet)
	}
}

var errAnswered = errors.New("it is answered")

// attemptTime is how long an answer is waited for.
const attemptTime = 5 * time.Second

// open is its poll.Opener.
func (a *attempt) open(t *poll.Turn, conn *poll.Conn) poll.Handler {
	a.conn = conn
	conn.SetDeadline(t.Now.Add(attemptTime))
	if err := t.Batch.Append(conn, nil, a.of.engine.Request(conn.RemoteAddr())); err != nil {
		conn.Close(err)
	}
	a.of.count.Sent++
	return a
}

// Data is that of poll.Handler. An answer is in one piece.
func (a *attempt) Data(_ *poll.Turn, b []byte) (n, need int) {
	if bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")) {
		a.of.count.Answered++
	} else {
		a.of.count.Refused++
	}
	a.conn.Close(errAnswered)
	return len(b), 0
}

// Timer is that of poll.Handler.
func (a *attempt) Timer(*poll.Turn) { a.conn.Close(errAnswered) }

// Drained is that of poll.Handler.
func (a *attempt) Drained(*poll.Turn) {}

// Closed is that of poll.Handler.
func (a *attempt) Closed(_ *poll.Turn, err error) {
	delete(a.of.underWay, a)
	if !errors.Is(err, errAnswered) && !errors.Is(err, errQuiet) && !errors.Is(err, poll.ErrClosed) {
		a.of.count.Cut++
	}
}
