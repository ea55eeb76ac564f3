package e2e

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// rawClient is a WebSocket that speaks only when it is told to.
type rawClient struct {
	t    testing.TB
	conn net.Conn
}

// dialRaw connects, upgrades, and says nothing more.
func dialRaw(t testing.TB, at *edge) rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(at.url, "ws:"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := rawClient{t, conn}
	// RFC 6455, section 1.3.
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: limegrove\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	c.wantBytes("the upgrade", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
	return c
}

// wantClose waits for a Close frame, and does not answer it.
func (c rawClient) wantClose() {
	c.t.Helper()
	c.wantBytes("a Close frame with code 1000", "\x88\x02\x03\xe8")
}

// wantBytes reads until these bytes have come.
func (c rawClient) wantBytes(what, wanted string) {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	var got []byte
	for b := make([]byte, 1); !bytes.Contains(got, []byte(wanted)); got = append(got, b...) {
		if _, err := c.conn.Read(b); err != nil {
			c.t.Fatalf("%s: %v after %q", what, err, got)
		}
	}
}
