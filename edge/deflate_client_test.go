package edge

import (
	"bytes"
	"compress/flate" // another one than the edge's
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// compressing has all messages compressed for those who want it.
var compressing = Config{Compression: Compression{Level: 5, Threshold: -1}}

// offering is the request of a client that offers extensions.
func offering(extensions string) string {
	return strings.TrimSuffix(request, "\r\n") + "Sec-WebSocket-Extensions: " + extensions + "\r\n\r\n"
}

// deflated is a compressed message. RFC 7692, section 7.2.1.
func deflated(message string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = io.WriteString(w, message)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}

// inflated is what a compressed message was. Section 7.2.2.
func inflated(t testing.TB, b []byte) []byte {
	message, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(b), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
	if err != nil {
		t.Errorf("the edge compresses %q: %v", b, err)
	}
	return message
}

// compressed is a masked frame with a compressed message.
func compressed(message string) []byte { return compressedAs(deflated(message)) }

func compressedAs(payload []byte) []byte {
	return compile(ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpText, Masked: true, Mask: [4]byte{1, 2, 3, 4}, Length: int64(len(payload))}, string(payload))
}

// agreed connects as a client that compresses.
func (e *fixture) agreed() *client {
	e.t.Helper()
	c := e.connect()
	c.inflates = true
	c.write([]byte(offering("permessage-deflate; client_max_window_bits")))
	if head := c.wantUpgrade(); !strings.Contains(head, "Extensions: permessage-deflate") {
		e.t.Fatalf("nothing is agreed: %q", head)
	}
	return c
}

// loginAgreed begins a session as a client that compresses.
func (e *fixture) loginAgreed(node string) *client {
	e.t.Helper()
	c := e.agreed()
	c.login(node)
	return c
}

// saysCompressed says an envelope.
func (c *client) saysCompressed(envelope string) {
	c.t.Helper()
	c.write(compressed(c.text(envelope)))
}
