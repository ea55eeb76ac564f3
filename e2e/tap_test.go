package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// tap stands between a client and an edge, and writes down what the client says.
type tap struct {
	url string // for the client

	mu   sync.Mutex
	said []string // a message each, or an envelope over TCP with what follows it
}

// listenIn puts a tap before an edge.
func listenIn(t *testing.T, e *edge) *tap {
	t.Helper()
	if strings.HasPrefix(e.url, "net.tcp://") {
		return listenInTCP(t, e)
	}
	p := &tap{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"lime"}})
		if err != nil {
			return
		}
		defer client.CloseNow()
		there, response, err := websocket.Dial(t.Context(), e.url, &websocket.DialOptions{Subprotocols: []string{"lime"}})
		if err != nil {
			return
		}
		if response.Body != nil {
			defer response.Body.Close()
		}
		defer there.CloseNow()
		go func() {
			defer client.CloseNow()
			relay(t, client, there, func([]byte) {})
		}()
		relay(t, there, client, p.hear)
	}))
	t.Cleanup(s.Close)
	p.url = "ws" + strings.TrimPrefix(s.URL, "http") + "/"
	return p
}

// relay passes messages on until one of the connections ends.
func relay(t *testing.T, to, from *websocket.Conn, hear func([]byte)) {
	from.SetReadLimit(-1)
	for {
		kind, message, err := from.Read(t.Context())
		if status := websocket.CloseStatus(err); status != -1 {
			_ = to.Close(status, "") // the other may have been faster
		}
		if err != nil {
			return
		}
		hear(message)
		if to.Write(t.Context(), kind, message) != nil {
			return
		}
	}
}

func listenInTCP(t *testing.T, e *edge) *tap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	p := &tap{url: "net.tcp://" + ln.Addr().String()}
	go func() {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		there, err := net.Dial("tcp", e.tcp)
		if err != nil {
			return
		}
		defer there.Close()
		go func() {
			defer client.Close()
			_, _ = io.Copy(client, there)
		}()
		var all bytes.Buffer
		stream := json.NewDecoder(io.TeeReader(client, io.MultiWriter(there, &all)))
		for {
			var raw json.RawMessage
			if stream.Decode(&raw) != nil {
				return
			}
			p.hear(raw)
		}
	}()
	return p
}

func (p *tap) hear(message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, string(message))
}

func (p *tap) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.said...)
}
