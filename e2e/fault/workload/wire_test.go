package workload

import (
	"io"
	"net"
	"testing"

	"github.com/gobwas/ws"
)

// Over TCP envelopes come in any pieces, and nothing but envelopes leaves.
func TestWireOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sent := make(chan string, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, piece := range []string{`{"id":"1","content":"}{`, `"}{"id":`, `"2"}` + "\n", ` {"id":"3"}`} {
			_, _ = conn.Write([]byte(piece)) // what is missing shows below
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		all, _ := io.ReadAll(conn)
		sent <- string(all)
	}()
	w, err := dial(t.Context(), "net.tcp://"+ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"id":"1","content":"}{"}`, `{"id":"2"}`, `{"id":"3"}`} {
		if op, got, err := w.read(); err != nil || op != ws.OpText || string(got) != want {
			t.Errorf("%d %s, %v, not %s", op, got, err, want)
		}
	}
	if _, _, err := w.read(); err == nil {
		t.Error("the end was not seen")
	}
	for _, op := range []ws.OpCode{ws.OpText, ws.OpPong, ws.OpText} {
		if err := w.write(op, []byte(`{"id":"4"}`)); err != nil {
			t.Error(err)
		}
	}
	w.close()
	if got := <-sent; got != `{"id":"4"}{"id":"4"}` {
		t.Errorf("%s was sent", got)
	}
}
