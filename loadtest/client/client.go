package client

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/poll"
	"limegrove/loadtest/protocol"
)

// Client is one of an engine's, whether it is connected or not.
type Client struct {
	engine *Engine
	conn   *poll.Conn    // nil while it is not connected
	began  time.Duration // when this attempt, or the first of a row, was due
	number uint32
	phase  phase
	step   uint8 // of the login
	tries  uint8 // that have failed in a row
	flags  flags
}

// flags are what is seldom so.
type flags uint8

const (
	rested flags = 1 << iota // there is a rest of its in Engine.rests
	again                    // it is opened by Opening.Reopen
)

// phase is how far a client has come.
type phase uint8

const (
	closed    phase = iota
	upgrading       // the request is under way
	loggingIn
	inSession
)

// Errors that a client ends with.
var (
	errClosed  = errors.New("the server has closed the connection")
	errTimeout = errors.New("no session in time")

	errUncompressed = errors.New("the server does not compress")
)

// Number is the client's among those of all engines.
func (c *Client) Number() int { return int(c.number) }

// InSession tells whether the client is.
func (c *Client) InSession() bool { return c.phase == inSession }

// Close cuts the connection. Handler.Gone is told err soon, if the client was in session.
func (c *Client) Close(err error) {
	if c.conn != nil {
		c.conn.Close(err)
	}
}

// Conn is the connection, for what there is no other way to ask it; nil while there is none.
func (c *Client) Conn() *poll.Conn { return c.conn }

// Buffer returns the beginning of a message for SendBuffer to be appended to. There is one for
// all clients.
func (c *Client) Buffer() []byte { return c.engine.scratch[:headroom] }

// SendBuffer sends what was made of Buffer, as one message, with the others of the turn. The error
// says why it did not.
func (c *Client) SendBuffer(t *poll.Turn, message []byte) error {
	if c.phase != inSession {
		return errNoSession
	}
	return c.send(t, c.engine.op, message)
}

func (c *Client) send(t *poll.Turn, op ws.OpCode, message []byte) error {
	c.engine.scratch = message[:0] // it may have grown
	return t.Batch.Append(c.conn, nil, frameInPlace(message, op))
}

// open is the poll.Opener of an attempt.
func (c *Client) open(t *poll.Turn, conn *poll.Conn) poll.Handler {
	c.conn, c.phase, c.step = conn, upgrading, 0
	conn.SetDeadline(t.Now.Add(c.engine.cfg.Patience))
	if err := t.Batch.Append(conn, nil, c.engine.Request(conn.RemoteAddr())); err != nil {
		conn.Close(err)
	}
	return c
}

// Data is that of poll.Handler.
func (c *Client) Data(t *poll.Turn, b []byte) (n, need int) {
	now := c.engine.Now()
	if c.phase == upgrading {
		if n = c.upgraded(t, b); n == 0 {
			return 0, 0
		}
	}
	for {
		f, size, need, err := readFrame(b[n:])
		if err != nil {
			c.conn.Close(err)
			return len(b), 0
		}
		if size == 0 {
			return n, need
		}
		n += size
		if err := c.take(t, &f, now); err != nil {
			c.conn.Close(err)
			return len(b), 0
		}
	}
}

// upgraded reads the answer to the request, and returns its length; 0 when it is not whole.
func (c *Client) upgraded(t *poll.Turn, b []byte) int {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")) {
		c.conn.Close(refusal(b))
		return len(b)
	}
	if c.engine.cfg.Compress && !bytes.Contains(b[:end], []byte("permessage-deflate")) {
		c.conn.Close(errUncompressed)
		return len(b)
	}
	c.phase = loggingIn
	if err := c.login(t, nil); err != nil {
		c.conn.Close(err)
	}
	return end + 4
}

// refusal is why there is no WebSocket.
func refusal(answer []byte) error {
	line, _, _ := bytes.Cut(answer, []byte("\r\n"))
	err := fmt.Errorf("the request is answered by %.100q", line)
	for _, later := range []string{"HTTP/1.1 429 ", "HTTP/1.1 503 "} {
		if bytes.HasPrefix(answer, []byte(later)) {
			return fmt.Errorf("%w: %w", protocol.ErrBusy, err)
		}
	}
	return err
}

// take takes a frame.
func (c *Client) take(t *poll.Turn, f *frame, now time.Duration) error {
	if f.compressed {
		var err error
		if !c.engine.cfg.Compress || !f.final {
			return errFrame
		}
		if f.payload, err = c.engine.inflate.message(f.payload); err != nil {
			return err
		}
	}
	switch f.op {
	case ws.OpText, ws.OpBinary, ws.OpContinuation:
		return c.read(t, f.payload, f.final, now)
	case ws.OpPing:
		return c.send(t, ws.OpPong, append(c.Buffer(), f.payload...))
	case ws.OpClose:
		return fmt.Errorf("%w: %q", errClosed, f.payload)
	default: // a pong
		return nil
	}
}

// read gives the adapter what has come, behind what it has left.
func (c *Client) read(t *poll.Turn, b []byte, final bool, now time.Duration) error {
	if c.flags&rested != 0 {
		b = append(c.engine.rests[c], b...)
		c.keep(nil)
	}
	for final && len(b) > 0 {
		taken, err := c.readOne(t, b, now)
		if err != nil {
			return err
		}
		if taken == 0 {
			break
		}
		b = b[taken:]
	}
	c.keep(b)
	return nil
}

// readOne gives the adapter one event's bytes, or one step of a login.
func (c *Client) readOne(t *poll.Turn, b []byte, now time.Duration) (taken int, err error) {
	if c.phase == loggingIn {
		return c.logIn(t, b)
	}
	e, taken, err := c.engine.cfg.Protocol.Read(b)
	if err != nil {
		return 0, err
	}
	if len(e.Answer) > 0 {
		if err := c.send(t, c.engine.op, append(c.Buffer(), e.Answer...)); err != nil {
			return 0, err
		}
	}
	switch e.Kind {
	case protocol.Nothing:
	case protocol.Ended:
		return 0, fmt.Errorf("the session is ended: %.300s", e.Reason)
	default:
		c.engine.cfg.Handler.Event(t, c, &e, now)
	}
	return taken, nil
}

// keep keeps what the adapter has left, until more comes.
func (c *Client) keep(rest []byte) {
	switch {
	case len(rest) > 0:
		c.engine.rests[c] = bytes.Clone(rest)
		c.flags |= rested
	case c.flags&rested != 0:
		delete(c.engine.rests, c)
		c.flags &^= rested
	}
}

// login continues the login when something has come, and begins it with nothing.
func (c *Client) login(t *poll.Turn, b []byte) error {
	_, err := c.logIn(t, b)
	return err
}

func (c *Client) logIn(t *poll.Turn, b []byte) (taken int, err error) {
	message, taken, done, err := c.engine.cfg.Protocol.AppendLogin(c.Buffer(), int(c.number), int(c.step), b)
	if err != nil {
		return 0, err
	}
	if len(message) > headroom {
		c.step++
		if err := c.send(t, c.engine.op, message); err != nil {
			return 0, err
		}
	}
	if done {
		c.phase = inSession
		c.conn.SetDeadline(time.Time{})
		c.engine.Opening.ready(t, c)
		c.engine.cfg.Handler.Ready(t, c)
	}
	return taken, nil
}

// Timer is that of poll.Handler: the session has not begun in time.
func (c *Client) Timer(*poll.Turn) { c.conn.Close(errTimeout) }

// Drained is that of poll.Handler.
func (c *Client) Drained(*poll.Turn) {}

// Closed is that of poll.Handler.
func (c *Client) Closed(t *poll.Turn, err error) {
	before := c.phase
	c.conn, c.phase = nil, closed
	c.keep(nil)
	if before == inSession {
		c.engine.Opening.Ready--
		c.engine.cfg.Handler.Gone(t, c, err)
		return
	}
	c.engine.Opening.failed(t, c, err)
	c.engine.Opening.goOn(t)
}
