package edge

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"limegrove/edge/poll"
	"limegrove/lime"
)

// FuzzConnection writes bytes behind an upgrade, or, if login, behind an
// established session. Frames tells that they are pieces between bytes 0xfe, each a
// frame's first byte and its payload, which are then masked as they should be.
//
// Whatever comes, the edge does not panic, answers by whole frames with whole
// envelopes, in an amount that is bounded by what came, and says nothing after the
// last word.
func FuzzConnection(f *testing.F) {
	f.Add(true, true, []byte("\x81{\"id\":\"c\",\"method\":\"get\",\"uri\":\"/ping\"}\xfe\x89x\xfe\x01{\"id\":\xfe\x80\"c\",\"method\":\"x\"}"))
	f.Add(true, true, []byte("\x81{\"id\":\"m\",\"to\":\"rui\",\"type\":\"text/plain\",\"content\":\"x\",\"metadata\":{\"a\":1}} {}"))
	f.Add(true, true, []byte("\x88\x03\xe8bye\xfe\x81{\"state\":\"new\"}"))
	f.Add(true, false, frame(ws.OpText, `{"to":"ana@example.org/1","type":"text/plain","content":"x"}`))
	f.Add(false, true, []byte("\x81{\"state\":\"new\"}\xfe\x81{\"state\":\"authenticating\",\"scheme\":\"guest\",\"from\":\"x/1\"}"))
	f.Add(false, false, append(frame(ws.OpPing, "x"), 0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	f.Add(false, false, []byte("\x82\x80\x00\x00\x00\x00"))
	fuzzConnection(f, Config{}, request)
}

// FuzzCompressedConnection is FuzzConnection of clients that agreed on compression.
func FuzzCompressedConnection(f *testing.F) {
	f.Add(true, true, append([]byte{0xc1}, deflated(`{"id":"c","method":"get","uri":"/ping"}`)...))
	f.Add(true, true, append([]byte{0xc1}, deflated(strings.Repeat(`{"id":"m","to":"rui","type":"text/plain","content":"x"}`, 100))...))
	f.Add(true, true, append(append([]byte{0x41}, deflated(`{"id":"c"`)...), "\xfe\x89x\xfe\x80\x00"...))
	f.Add(true, true, []byte("\xc1\x03\x00\xfe\xc1\x00\xfe\xc0\x00"))
	f.Add(true, true, append([]byte{0xc1}, uselessTables(4<<10)...))
	f.Add(false, true, append([]byte{0xc1}, deflated(`{"state":"new"}`)...))
	f.Add(false, false, compressed(`{"x":"`+strings.Repeat(" ", 1<<20)+`"}`))
	fuzzConnection(f, Config{Compression: Compression{Level: 1, Threshold: -1}}, offering("permessage-deflate"))
}

func fuzzConnection(f *testing.F, cfg Config, request string) {
	f.Helper()
	cfg.goroutines = true
	e := newFixture(f, cfg)
	e.runInMemory()
	f.Fuzz(func(t *testing.T, login, frames bool, b []byte) {
		if frames {
			b = framesOf(b)
		}
		p := &probe{closed: make(chan struct{}), drained: make(chan struct{}, 1)}
		here, there := net.Pipe()
		must(t, e.loops.Add(here, func(turn *poll.Turn, s *poll.Conn) poll.Handler {
			p.Handler, p.socket = e.open(turn, s.Handler().(*conn), overWebSocket, false), s
			return p
		}))
		c := &client{t: t, nc: there, in: make(chan ws.Frame, 1<<14), resume: make(chan struct{}), inflates: cfg.Compression.Level > 0}
		defer func() { <-p.closed }()
		defer c.nc.Close()
		c.write([]byte(request))
		c.wantUpgrade()
		if login {
			c.login("ana@example.org/1")
		}
		before := 0
		if e.compression != nil {
			before = counted(t, e.compression.counts.received.plain)
		}
		// The second write is taken when what the first one brought was handled. An
		// error of either says that the edge has ended the connection.
		_, _ = c.nc.Write(b)
		if _, err := c.nc.Write(nil); err == nil {
			p.socket.WantDrained()
			select {
			case <-p.drained:
			case <-p.closed:
			}
		}
		_ = c.nc.Close()
		said := len(b)
		if e.compression != nil {
			said += counted(t, e.compression.counts.received.plain) - before
		}
		c.checkAnswers(64*said + 1024)
	})
}

// probe is the handler of a connection, and tells what has happened to it.
type probe struct {
	poll.Handler
	socket  *poll.Conn
	drained chan struct{}
	closed  chan struct{}
}

func (p *probe) Drained(t *poll.Turn) {
	p.Handler.Drained(t)
	select {
	case p.drained <- struct{}{}:
	default:
	}
}

func (p *probe) Closed(t *poll.Turn, err error) {
	p.Handler.Closed(t, err)
	close(p.closed)
}

// framesOf makes frames of what a fuzzer can find.
func framesOf(b []byte) (wire []byte) {
	for piece := range bytes.SplitSeq(b, []byte{0xfe}) {
		if len(piece) > 0 {
			h := ws.Header{Fin: piece[0]&0x80 != 0, Rsv: piece[0] >> 4 & 7, OpCode: ws.OpCode(piece[0] & 0xf), Masked: true, Mask: [4]byte{1, 2, 3, 4}}
			h.Length = int64(len(piece) - 1)
			wire = append(wire, compile(h, string(piece[1:]))...)
		}
	}
	return wire
}

// checkAnswers holds all that comes against what must hold for any answers.
func (c *client) checkAnswers(bound int) {
	var last lime.State
	var over bool
	for f := range c.in {
		bound -= len(f.Payload) + 2
		if over {
			c.t.Errorf("after the close frame, %d %q", f.Header.OpCode, f.Payload)
		}
		switch f.Header.OpCode {
		case ws.OpClose:
			over = true
			if code, why := ws.ParseCloseFrameData(f.Payload); ws.CheckCloseFrameData(code, why) != nil {
				c.t.Errorf("the close frame has %q", f.Payload)
			}
		case ws.OpText:
			var h lime.Header
			if n, err := h.Scan(f.Payload); err != nil || n != len(f.Payload) {
				c.t.Errorf("%v: %q", err, f.Payload)
			}
			if last.Ended() || h.Kind == lime.KindSession && h.State < last {
				c.t.Errorf("L-FIN-03, L-FIN-06: after %v, %q", last, f.Payload)
			}
			if h.Kind == lime.KindSession {
				last = h.State
			}
			if string(h.From) == server {
				checkServerWords(c.t, f.Payload)
			}
		}
	}
	if bound < 0 {
		c.t.Errorf("%d bytes more come than may", -bound)
	}
}
