package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/url"
	"testing"
	"time"
)

// TestTLSIsResumedOnAnotherEdge: a client whose edge dies comes back to another one without
// another full handshake.
func TestTLSIsResumedOnAnotherEdge(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	c := startCluster(t, 2, "-tls-cert", certificate, "-tls-key", key)
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "edge", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	if upgradedInTLS(t, c.edges[0], client) {
		t.Error("the first handshake is resumed")
	}
	c.edges[0].kill()
	if !upgradedInTLS(t, c.edges[1], client) {
		t.Error("on another edge it is not resumed")
	}
	page, err := c.edges[1].page(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte(`limegrove_edge_tls_handshakes_total{kind="resumed"} 1`); !bytes.Contains(page, want) {
		t.Errorf("the metrics have no %s", want)
	}
}

// upgradedInTLS has a client upgrade to WebSocket, and tells whether TLS was resumed.
func upgradedInTLS(t *testing.T, e *edge, client *tls.Config) (resumed bool) {
	t.Helper()
	where, err := url.Parse(e.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", where.Host, client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // it was read to the end that matters
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", where.Host); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len("HTTP/1.1 101"))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 101" {
		t.Fatalf("the upgrade is answered by %q, %v", answer, err)
	}
	return conn.ConnectionState().DidResume
}
