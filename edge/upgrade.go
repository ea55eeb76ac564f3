package edge

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
)

// subprotocol is what LIME's clients offer: L-TRN-01.
const subprotocol = "lime"

// maxRequest bounds an upgrade request. Cookies make it long.
const maxRequest = 16 << 10

// endOfHead ends an HTTP request's head. RFC 9112, section 2.1.
var endOfHead = []byte("\r\n\r\n")

// upgrade waits for the whole head of an HTTP request, without keeping anything but
// its bytes, and answers it at once: what gobwas/ws reads comes from memory. It
// returns how many bytes it has read, 0 when the head is not there in full.
func (c *conn) upgrade(b []byte) (n, need int) {
	end := bytes.Index(b[:min(len(b), maxRequest)], endOfHead)
	switch {
	case beginsTLS(b): // which waits for an answer, and sends no more
		c.reject(rejectTLS)
		return len(b), 0
	case b[0] == '{': // LIME as it is over TCP, which goes on likewise
		c.reject(rejectMalformed)
		return len(b), 0
	case end >= 0:
	case len(b) < maxRequest:
		return 0, len(b) + 1
	default:
		c.reject(rejectTooLong)
		return len(b), 0
	}
	n = end + len(endOfHead)
	switch {
	case c.edge.draining.Load():
		c.reject(rejectDraining)
		return n, 0
	case c.edge.overloaded.Load():
		c.reject(rejectOverloaded)
		return n, 0
	}
	if !c.openDialect(b[:n]) {
		return n, 0
	}
	m := memories.Get().(*memory)
	defer memories.Put(m)
	m.in.Reset(b[:n])
	m.out.Reset()
	var offered negotiation
	_, err := c.upgrader(&offered).Upgrade(m)
	if err == nil {
		// The queue is empty, so there is room.
		_ = c.turn().Batch.Append(&c.socket, m.out.Bytes(), nil)
		c.phase = open
		c.begins().began = c.edge.instant(c.turn().Now)
		c.edge.metrics.upgrades.Inc()
		if offered.agreed {
			c.edge.metrics.compression.agreed.Inc()
			c.packs = true
		}
		c.show()
		if c.speaks() != nil {
			c.beginDialect()
		}
		c.arm()
		return n, 0
	}
	noUpgrade := errors.Is(err, ws.ErrHandshakeBadUpgrade) || errors.Is(err, ws.ErrHandshakeBadConnection)
	switch {
	case (noUpgrade || errors.Is(err, ws.ErrHandshakeBadMethod)) && c.answerPage(b[:n]):
	case noUpgrade:
		c.reject(rejectNoUpgrade)
	case m.out.Len() > 0:
		c.rejectWith(rejectMalformed, m.out.Bytes())
	default: // what is hardly HTTP has no answer of gobwas/ws
		c.reject(rejectMalformed)
	}
	return n, 0
}

// upgrader is the one for this client, which notes what is to be passed on, and what is agreed on.
func (c *conn) upgrader(offered *negotiation) ws.Upgrader {
	own := upgrader
	if c.edge.compression != nil {
		own.Negotiate = offered.accept
	}
	if forward := c.edge.forward.Load(); forward != nil {
		u := new(auth.Upgrade)
		c.begins().upgraded = u
		own.OnHeader = forward.noter(u)
	}
	return own
}

// upgrader selects the subprotocol when it is offered, and serves clients that
// offer none: L-TRN-02.
var upgrader = ws.Upgrader{
	ReadBufferSize: maxRequest, // a line must fit
	Protocol:       func(p []byte) bool { return string(p) == subprotocol },
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

var memories = sync.Pool{New: func() any { return new(memory) }}

var _ io.ReadWriter = (*memory)(nil)
