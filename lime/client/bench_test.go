package client

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// tape is a connection to a server that says what is on it again and again.
type tape struct {
	net.Conn // nil
	text     []byte
	at       int
	closed   chan struct{}
}

func (t *tape) Read(b []byte) (int, error) {
	select {
	case <-t.closed:
		return 0, io.EOF
	default:
	}
	n := copy(b, t.text[t.at:])
	t.at = (t.at + n) % len(t.text)
	return n, nil
}

func (t *tape) Write(b []byte) (int, error)      { return len(b), nil }
func (t *tape) Close() error                     { close(t.closed); return nil }
func (t *tape) SetReadDeadline(time.Time) error  { return nil }
func (t *tape) SetWriteDeadline(time.Time) error { return nil }

// playing is a client in session with a tape.
func playing(b *testing.B, cfg Config, envelope string) (*Client, *session) {
	b.Helper()
	cfg.Rate, cfg.ByteRate = -1, -1
	cfg, err := cfg.withDefaults()
	if err != nil {
		b.Fatal(err)
	}
	var text bytes.Buffer
	for text.Len() < 1<<16 {
		if err := ws.WriteFrame(&text, ws.NewTextFrame([]byte(envelope))); err != nil {
			b.Fatal(err)
		}
	}
	c := &Client{
		cfg: cfg, inbox: newInbox(cfg.Queue), duplicates: newDuplicates(cfg.DuplicateWindow),
		publications: newPublications(&cfg), changed: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	ear := &ear{Conn: &tape{text: text.Bytes(), closed: make(chan struct{})}, began: time.Now()}
	w := newWire(ear, bufio.NewReader(ear), cfg.MaxEnvelope)
	established := &lime.Session{ID: "s1", To: lime.MustParseNode(ana), From: lime.MustParseNode(server)}
	s := c.begin(w, address{}, established, lime.Node{})
	if !c.enter(s) {
		b.Fatal("it has ended")
	}
	b.Cleanup(func() {
		s.end(ErrClosed, 0)
		s.await()
	})
	return c, s
}

const benchMessage = `{"id":"6f1e0c9a-1","from":"rui@example.org/desk","to":"ana@example.org/home","type":"text/plain","content":"hello, how are you today?"}`

// BenchmarkReceive is a message from the connection's bytes to an iterator, with its
// receipt. Duplicates are not looked for: all messages are the same.
func BenchmarkReceive(b *testing.B) {
	c, _ := playing(b, Config{DuplicateWindow: -1}, benchMessage)
	b.SetBytes(int64(len(benchMessage)))
	b.ReportAllocs()
	n := 0
	for _, err := range c.Messages(context.Background()) {
		if err != nil {
			b.Fatal(err)
		}
		if n++; n >= b.N {
			break
		}
	}
}

// BenchmarkSend is a message from a struct to the connection's bytes.
func BenchmarkSend(b *testing.B) {
	c, _ := playing(b, Config{Queue: 1}, benchMessage) // soon nothing more is read
	m := text("6f1e0c9a-1", "hello, how are you today?")
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Send(context.Background(), m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublish is a message that is stored, with the server's accepted: one that
// answers at once, so that what is measured is the client.
func BenchmarkPublish(b *testing.B) {
	c, s := playing(b, Config{Queue: 1}, benchMessage)
	m := text("6f1e0c9a-1", "hello, how are you today?")
	accepted := &lime.Notification{ID: m.ID, Event: lime.EventAccepted}
	b.ReportAllocs()
	for b.Loop() {
		one, err := c.PublishAsync(context.Background(), m)
		if err != nil {
			b.Fatal(err)
		}
		c.publications.answered(accepted, s.node)
		<-one.Done()
	}
}
