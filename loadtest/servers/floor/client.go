package floor

import (
	"bytes"

	"github.com/gobwas/ws"

	"limegrove/edge/poll"
)

// client is one that is connected.
type client struct {
	server *server
	conn   *poll.Conn

	// Owned by the connection's loop.
	number   uint32
	known    bool // by its number
	upgraded bool
}

// Data is that of poll.Handler.
func (c *client) Data(t *poll.Turn, b []byte) (n, need int) {
	if !c.upgraded {
		if n = c.upgrade(t, b); n == 0 {
			return 0, 0
		}
	}
	for {
		f, size, need, err := readFrame(b[n:])
		if err == nil && size > 0 {
			err = c.take(t, &f)
		}
		if err != nil {
			c.conn.Close(err)
			return len(b), 0
		}
		if size == 0 {
			return n, need
		}
		n += size
	}
}

// take handles a frame.
func (c *client) take(t *poll.Turn, f *frame) error {
	switch f.op {
	case opBinary:
		return c.server.take(t, c, f.payload)
	case ws.OpPing:
		var array [maxHead]byte
		return t.Batch.Append(c.conn, appendHead(array[:0], ws.OpPong, len(f.payload)), f.payload)
	case ws.OpPong:
		return nil
	case ws.OpClose:
		return poll.ErrClosed
	default:
		return errFrame
	}
}

// upgrade answers the request, and returns its length; 0 when it is not whole.
func (c *client) upgrade(t *poll.Turn, b []byte) int {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	var m memory
	m.in.Reset(b[:end+4])
	if _, err := ws.Upgrade(&m); err != nil {
		c.conn.Close(err)
		return len(b)
	}
	c.upgraded = true
	c.conn.Welcome()
	if err := t.Batch.Append(c.conn, nil, m.out.Bytes()); err != nil {
		c.conn.Close(err)
	}
	return end + 4
}

// memory is a request and its response, as gobwas/ws wants to read and write them.
type memory struct {
	in  bytes.Reader
	out bytes.Buffer
}

// Read is that of io.Reader.
func (m *memory) Read(b []byte) (int, error) { return m.in.Read(b) }

// Write is that of io.Writer.
func (m *memory) Write(b []byte) (int, error) { return m.out.Write(b) }

// Timer is that of poll.Handler; there are no deadlines.
func (c *client) Timer(*poll.Turn) {}

// Drained is that of poll.Handler.
func (c *client) Drained(*poll.Turn) {}

// Closed is that of poll.Handler.
func (c *client) Closed(*poll.Turn, error) { c.server.leave(c) }
