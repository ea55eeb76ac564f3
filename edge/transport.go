package edge

import (
	"crypto/rand"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// transport is how envelopes are bytes on a connection. WebSocket's is in upgrade.go and
// frame.go, TCP's in tcp.go, that of dialects in dialect_stream.go.
type transport uint8

const (
	overWebSocket transport = iota // an envelope is a text frame: RFC 6455
	overTCP                        // objects back to back, encrypted if the session negotiates it
	overFrames                     // frames of a dialect

	transports = iota
)

// String is the transport's label in metrics.
func (t transport) String() string { return [transports]string{"websocket", "tcp", "frames"}[t] }

// opens is the phase in which a connection begins.
func (t transport) opens() phase {
	if t == overWebSocket {
		return handshaking
	}
	return open
}

// appendHead appends what goes before an envelope of n bytes.
func (t transport) appendHead(dst []byte, n int) []byte {
	if t != overWebSocket {
		return dst
	}
	return appendHead(dst, ws.OpText, n)
}

// appendEnd appends what goes behind the last envelope, for a reason that has a code of
// WebSocket, and a text unless that is "".
func (t transport) appendEnd(dst []byte, code ws.StatusCode, reason string) []byte {
	if t != overWebSocket {
		return dst
	}
	return append(dst, ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason)))...)
}

// refusal is what a connection is told that is not served; nil for nothing.
func (t transport) refusal(rules *sessionRules, why rejection) []byte {
	switch t {
	case overWebSocket:
		return why.response()
	case overFrames: // there are no words for it in all dialects
		return nil
	case overTCP:
	}
	code := lime.CodeSessionError
	if why == rejectAddress {
		code = lime.CodeAuthorizationQuotaThresholdExceeded
	}
	_, text := why.answer()
	failed := lime.Session{
		ID: rand.Text(), From: rules.server(rules.domains[0]), State: lime.StateFailed,
		Reason: lime.NewReason(code, "%s", text),
	}
	return failed.AppendJSON(nil)
}

// read takes what is first in b, of an upgrade request, a frame, or the stream of
// envelopes. It returns how many bytes it has read, 0 when there are too few, and then how
// many it takes.
func (c *conn) read(s *scratch, b []byte) (n, need int) {
	switch {
	case c.phase == handshaking:
		return c.upgrade(b)
	case c.over == overTCP:
		return c.objects(s, b), 0
	case c.over == overFrames:
		return c.dialectFrame(s, b)
	default:
		return c.frame(s, b)
	}
}
