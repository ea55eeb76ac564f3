package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// socket is a plain WebSocket of a client that speaks a dialect.
type socket struct {
	t    *testing.T
	conn net.Conn
}

// dialSocket connects to a path of an edge, and reads nothing yet.
func dialSocket(t *testing.T, url, target string, headers http.Header) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, early, _, err := ws.Dialer{Header: ws.HandshakeHeaderHTTP(headers)}.Dial(ctx, url+target)
	if err != nil {
		t.Fatalf("connect to %s: %v", target, err)
	}
	if early != nil { // something came with the answer
		conn = readAhead{conn, early}
	}
	t.Cleanup(func() { conn.Close() })
	return &socket{t: t, conn: conn}
}

// readAhead is a connection of which something was read already.
type readAhead struct {
	net.Conn
	reader io.Reader
}

func (r readAhead) Read(b []byte) (int, error) { return r.reader.Read(b) }

func (s *socket) says(text string) {
	s.t.Helper()
	if err := wsutil.WriteClientText(s.conn, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// next is the next frame.
func (s *socket) next(what string) any {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	b, op, err := wsutil.ReadServerData(s.conn)
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	if op != ws.OpText {
		s.t.Errorf("%s: a frame of kind %v", what, op)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		s.t.Fatalf("%s: %s: %v", what, b, err)
	}
	return v
}

func (s *socket) gets(what, want string) {
	s.t.Helper()
	got := s.next(what)
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		s.t.Fatal(err)
	}
	if !reflect.DeepEqual(got, w) {
		s.t.Errorf("%s: got %v, want %v", what, got, w)
	}
}

// closes waits for the end of the connection.
func (s *socket) closes(what string, code ws.StatusCode, reason string) {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	b, _, err := wsutil.ReadServerData(s.conn)
	var closed wsutil.ClosedError
	if !errors.As(err, &closed) || closed.Code != code || closed.Reason != reason {
		s.t.Errorf("%s: %s and %v, want the code %d and %q", what, b, err, code, reason)
	}
}
