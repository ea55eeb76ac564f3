package edge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// client is the other end of a connection: a WebSocket client that can do
// everything wrong. It reads all the time, unless it is stalled, and answers pings,
// unless it is silent.
type client struct {
	t    testing.TB
	nc   net.Conn
	node string
	id   string // the session's

	in      chan ws.Frame // what came; closed at the end
	err     error         // why it ended; read it after in is closed
	silent  atomic.Bool
	stalled atomic.Bool
	resume  chan struct{}

	// Messages may come compressed, and are inflated; they are noted here.
	inflates   bool
	compressed atomic.Int32
}

// The request of most clients.
const request = "GET /any/path?x=1 HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: lime\r\n\r\n"

// connect dials without a word.
func (e *fixture) connect() *client {
	e.t.Helper()
	c := &client{t: e.t, nc: e.dial(), in: make(chan ws.Frame, 1<<14), resume: make(chan struct{})}
	e.t.Cleanup(func() { _ = c.nc.Close() })
	return c
}

// upgraded connects and upgrades.
func (e *fixture) upgraded() *client {
	e.t.Helper()
	c := e.connect()
	c.write([]byte(request))
	c.wantUpgrade()
	return c
}

// login begins a session.
func (e *fixture) login(node string) *client {
	e.t.Helper()
	c := e.upgraded()
	c.login(node)
	return c
}

func (c *client) login(node string) {
	c.t.Helper()
	c.node = node
	c.says(`{"state":"new"}`)
	c.hears("authenticating", `{"id":"*","state":"authenticating"}`)
	c.says(`{"id":"$id","from":"` + node + `","state":"authenticating","scheme":"guest"}`)
	c.hears("established", `{"id":"$id","to":"`+node+`","state":"established"}`)
}

// head reads an HTTP response's head, and no byte more.
func (c *client) head() string {
	c.t.Helper()
	var head []byte
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		var b [1]byte
		if _, err := io.ReadFull(c.nc, b[:]); err != nil {
			c.t.Fatalf("the response ends after %q: %v", head, err)
		}
		head = append(head, b[0])
	}
	return string(head)
}

func (c *client) wantUpgrade() (head string) {
	c.t.Helper()
	head = c.head()
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || !strings.Contains(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		c.t.Fatalf("no upgrade: %q", head)
	}
	go c.read()
	return head
}

// wantRejected takes an HTTP error and the end of the connection.
func (c *client) wantRejected(status string) (answer string) {
	c.t.Helper()
	b, err := io.ReadAll(c.nc)
	if answer = string(b); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 "+status+" ") {
		c.t.Errorf("%q, %v, want %s", answer, err, status)
	}
	return answer
}

func (c *client) read() {
	defer close(c.in)
	for {
		f, err := readFrame(c.nc)
		if err != nil {
			c.err = err
			return
		}
		if c.inflates && f.Header.OpCode == ws.OpText && f.Header.Rsv == 4 {
			f.Header.Rsv, f.Payload = 0, inflated(c.t, f.Payload)
			c.compressed.Add(1)
		}
		if err := ws.CheckHeader(f.Header, ws.StateClientSide); err != nil || !f.Header.Fin || f.Header.OpCode == ws.OpBinary {
			c.t.Errorf("L-TRN-05: the edge sends a frame with the head %+v: %v", f.Header, err)
		}
		if f.Header.OpCode == ws.OpPing && !c.silent.Load() {
			_, _ = c.nc.Write(frame(ws.OpPong, string(f.Payload))) // or the connection has ended
		}
		c.in <- f
		if c.stalled.Load() {
			<-c.resume
		}
	}
}

// readFrame reads no byte more than a frame. The error is io.EOF only between two.
func readFrame(r io.Reader) (ws.Frame, error) {
	var head []byte
	for {
		var b [1]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			if len(head) > 0 {
				err = fmt.Errorf("in a frame's head: %w", io.ErrUnexpectedEOF)
			}
			return ws.Frame{}, err
		}
		head = append(head, b[0])
		h, n := parseHead(head)
		if n == 0 {
			continue
		}
		if h.Length < 0 || h.Length > maxFrame {
			return ws.Frame{}, fmt.Errorf("L-TRN-03: a frame of %d bytes", h.Length)
		}
		f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
		if n, err := io.ReadFull(r, f.Payload); err != nil {
			return ws.Frame{}, fmt.Errorf("%d of %d bytes: %w", n, h.Length, io.ErrUnexpectedEOF)
		}
		return f, nil
	}
}

// stall has the client read no further, after one more frame.
func (c *client) stall() {
	c.stalled.Store(true)
	c.t.Cleanup(func() {
		if c.stalled.Load() {
			c.goOn()
		}
	})
}

func (c *client) goOn() {
	c.stalled.Store(false)
	close(c.resume)
}

// frame is a masked, final frame.
func frame(op ws.OpCode, payload string) []byte {
	return compile(ws.Header{Fin: true, OpCode: op, Masked: true, Mask: [4]byte{1, 2, 3, 0xff}, Length: int64(len(payload))}, payload)
}

// part is a fragment.
func part(op ws.OpCode, fin bool, payload string) []byte {
	return compile(ws.Header{Fin: fin, OpCode: op, Masked: true, Mask: [4]byte{9, 8, 7, 6}, Length: int64(len(payload))}, payload)
}

// compile is a frame with any head.
func compile(h ws.Header, payload string) []byte {
	b := []byte{byte(h.OpCode) | h.Rsv<<4}
	if h.Fin {
		b[0] |= 0x80
	}
	head := appendHead(nil, h.OpCode, int(h.Length))[1:]
	if h.Masked {
		head[0] |= 0x80
	}
	b = append(b, head...)
	body := []byte(payload)
	if h.Masked {
		b = append(b, h.Mask[:]...)
		ws.Cipher(body, h.Mask, 0)
	}
	return append(b, body...)
}

// write writes bytes. That the edge does not want them all is no error.
func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.nc.Write(b); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		c.t.Logf("write: %v", err)
	}
}

func (c *client) says(envelope string) {
	c.t.Helper()
	c.write(frame(ws.OpText, c.text(envelope)))
}

func (c *client) text(envelope string) string { return strings.ReplaceAll(envelope, "$id", c.id) }

// next takes the next frame that is no ping, nil at the end.
func (c *client) next(sentence string) *ws.Frame {
	c.t.Helper()
	for {
		select {
		case f, ok := <-c.in:
			if !ok {
				return nil
			}
			if f.Header.OpCode != ws.OpPing {
				return &f
			}
		case <-time.After(patience):
			c.t.Fatalf("%s: nothing came", sentence)
		}
	}
}

// hears takes one text frame with one envelope.
func (c *client) hears(sentence, pattern string) {
	c.t.Helper()
	f := c.next(sentence)
	if f == nil {
		c.t.Fatalf("%s: the end came, %v", sentence, c.err)
		return
	}
	if f.Header.OpCode != ws.OpText {
		c.t.Fatalf("%s: a frame %d came, %q", sentence, f.Header.OpCode, f.Payload)
	}
	if err := match(f.Payload, c.text(pattern)); err != nil {
		c.t.Fatalf("%s: %v, in %s", sentence, err, f.Payload)
	}
	checkBearable(c.t, f.Payload)
	var h lime.Header
	if n, err := h.Scan(f.Payload); err != nil || n != len(f.Payload) {
		c.t.Errorf("L-TRN-03: %s: %v, or more than one envelope: %s", sentence, err, f.Payload)
	}
	if h.Kind == lime.KindSession {
		checkServerWords(c.t, f.Payload)
		c.id = string(h.ID)
	}
}

// hearsFrame takes a frame.
func (c *client) hearsFrame(sentence string, op ws.OpCode, payload string) {
	c.t.Helper()
	if f := c.next(sentence); f == nil || f.Header.OpCode != op || string(f.Payload) != payload {
		c.t.Fatalf("%s: %+v came, want %d %q", sentence, f, op, payload)
	}
}

// hearsNothing waits until all is at rest. Only in memory.
func (c *client) hearsNothing(sentence string) {
	c.t.Helper()
	synctest.Wait()
	for len(c.in) > 0 {
		f, ok := <-c.in
		c.t.Errorf("%s: %v, %d %q", sentence, ok, f.Header.OpCode, f.Payload)
	}
}

// hearsFailed takes failed, a close frame and the end.
func (c *client) hearsFailed(sentence string, reason lime.Code, code ws.StatusCode) {
	c.t.Helper()
	c.hears(sentence, `{"id":"*","from":"`+server+`","state":"failed","reason":{"code":`+itoa(reason)+`,"description":"*"}}`)
	c.ends(sentence, code)
}

// ends takes a close frame and the end, which is that of a frame, too.
func (c *client) ends(sentence string, code ws.StatusCode) {
	c.t.Helper()
	c.hearsFrame(sentence, ws.OpClose, string(ws.NewCloseFrameBody(code, "")))
	if f := c.next(sentence); f != nil {
		c.t.Errorf("%s: after the close frame, %d %q", sentence, f.Header.OpCode, f.Payload)
	} else if !errors.Is(c.err, io.EOF) {
		c.t.Errorf("%s: the connection ends with %v", sentence, c.err)
	}
}

// greets sends a message to another client, who gets it, and nothing else.
func (c *client) greets(sentence string, other *client) {
	c.t.Helper()
	c.says(`{"to":"` + other.node + `","type":"text/plain","content":"` + sentence + `"}`)
	other.hears(sentence, `{"from":"`+c.node+`","to":"`+other.node+`","content":"`+sentence+`"}`)
}
