package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// place is where a client finds servers: connections in memory, each of which a test
// takes and answers as it likes.
type place struct {
	t     testing.TB
	conns chan net.Conn
	dials atomic.Int64
}

// inMemory runs a test in a bubble where time is virtual.
func inMemory(t *testing.T, test func(t *testing.T, p *place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newPlace(t)) })
}

func newPlace(t testing.TB) *place { return &place{t: t, conns: make(chan net.Conn)} }

// dial: Config.NetDial. An address with the word nobody takes no connection.
func (p *place) dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.dials.Add(1)
	if strings.HasPrefix(address, "nobody") {
		return nil, fmt.Errorf("dial %s: refused", address)
	}
	here, there := net.Pipe()
	select {
	case p.conns <- named{there, address}:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type named struct {
	net.Conn
	address string
}

// client dials a server while the test plays it.
func (p *place) client(url string, cfg Config) *dialling {
	cfg.NetDial = p.dial
	d := &dialling{t: p.t, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	p.t.Cleanup(cancel)
	go func() {
		defer close(d.done)
		d.client, d.err = Dial(ctx, url, cfg)
	}()
	return d
}

type dialling struct {
	t      testing.TB
	done   chan struct{}
	client *Client
	err    error
}

// get waits for the client, which is closed when the test ends.
func (d *dialling) get() *Client {
	d.t.Helper()
	<-d.done
	if d.err != nil {
		d.t.Fatalf("dial: %v", d.err)
	}
	d.t.Cleanup(func() {
		d.client.Close()
		<-d.client.Done()
	})
	return d.client
}

// refused waits for the error.
func (d *dialling) refused() error {
	d.t.Helper()
	<-d.done
	if d.err == nil {
		d.client.Close()
		d.t.Fatal("dial: no error")
	}
	return d.err
}

// far is the server's end of a connection. It reads all the time unless it is stalled.
type far struct {
	t       testing.TB
	conn    net.Conn
	address string
	ws      bool
	in      chan string // envelopes, and control frames as "op:payload"; closed at the end
	stalled atomic.Bool
	resume  chan struct{}
}

// accept takes the next connection, with the upgrade to WebSocket.
func (p *place) accept() *far {
	p.t.Helper()
	f := p.raw()
	if _, err := (ws.Upgrader{Protocol: func(b []byte) bool { return string(b) == "lime" }}).Upgrade(f.conn); err != nil {
		p.t.Fatalf("upgrade: %v", err)
	}
	f.ws = true
	go f.read(f.conn)
	return f
}

// acceptTCP takes the next connection as it is.
func (p *place) acceptTCP() *far {
	p.t.Helper()
	f := p.raw()
	go f.read(f.conn)
	return f
}

// raw takes the next connection and reads nothing.
func (p *place) raw() *far {
	p.t.Helper()
	conn := (<-p.conns).(named)
	f := &far{t: p.t, conn: conn.Conn, address: conn.address, in: make(chan string, 1<<12), resume: make(chan struct{})}
	p.t.Cleanup(func() {
		f.goOn()
		f.conn.Close()
	})
	return f
}

func (f *far) read(from io.Reader) {
	defer close(f.in)
	if f.ws {
		for {
			h, err := ws.ReadHeader(from)
			if err != nil {
				return
			}
			if !h.Masked {
				f.t.Error("RFC 6455, section 5.3: a client's frame is not masked")
			}
			payload := make([]byte, h.Length)
			if _, err := io.ReadFull(from, payload); err != nil {
				return
			}
			ws.Cipher(payload, h.Mask, 0)
			if h.OpCode == ws.OpText {
				f.took(string(payload))
			} else {
				f.took(fmt.Sprintf("%d:%s", h.OpCode, payload))
			}
		}
	}
	s := newStream(from, 1<<20)
	for {
		b, err := s.next()
		if err != nil {
			return
		}
		f.took(string(b))
	}
}

func (f *far) took(text string) {
	f.in <- text
	if f.stalled.Load() {
		<-f.resume
	}
}

// goOn ends a stall, for good.
func (f *far) goOn() {
	if f.stalled.CompareAndSwap(true, false) {
		close(f.resume)
	}
}

// says sends an envelope.
func (f *far) says(envelope string) {
	f.t.Helper()
	if f.ws {
		f.sends(ws.NewTextFrame([]byte(envelope)))
		return
	}
	f.writes(envelope)
}

func (f *far) sends(frames ...ws.Frame) {
	f.t.Helper()
	var b bytes.Buffer
	for _, frame := range frames {
		if err := ws.WriteFrame(&b, frame); err != nil {
			f.t.Fatal(err)
		}
	}
	f.writes(b.String())
}

// writes writes bytes. That the client does not want them is no error.
func (f *far) writes(bytes string) {
	f.t.Helper()
	if _, err := io.WriteString(f.conn, bytes); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		f.t.Logf("write: %v", err)
	}
}

// hears takes the next envelope and wants it to match: each member of the pattern is
// there, "*" being any text. It returns the envelope's id.
func (f *far) hears(sentence, pattern string) (id string) {
	f.t.Helper()
	text, ok := <-f.in
	if !ok {
		f.t.Fatalf("%s: the end came", sentence)
	}
	if err := match(text, pattern); err != nil {
		f.t.Fatalf("%s: %v, in %s", sentence, err, text)
	}
	var e struct{ ID string }
	_ = json.Unmarshal([]byte(text), &e) // of a kind that has none
	return e.ID
}

// hearsControl takes the next frame, which is no envelope.
func (f *far) hearsControl(sentence string, op ws.OpCode, payload string) {
	f.t.Helper()
	if text := <-f.in; text != fmt.Sprintf("%d:%s", op, payload) {
		f.t.Fatalf("%s: %q came", sentence, text)
	}
}

// hearsNothing waits until all is at rest.
func (f *far) hearsNothing(sentence string) {
	f.t.Helper()
	synctest.Wait()
	select {
	case text, ok := <-f.in:
		f.t.Fatalf("%s: %q came, %v", sentence, text, ok)
	default:
	}
}

// ends waits for the end of the connection, whatever comes before it.
func (f *far) ends() (last string) {
	f.t.Helper()
	for text := range f.in {
		last = text
	}
	return last
}

func match(text, pattern string) error {
	var got, want map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(pattern), &want); err != nil {
		return fmt.Errorf("the pattern %s: %w", pattern, err)
	}
	for key, value := range want {
		if value == nil {
			if _, ok := got[key]; ok {
				return fmt.Errorf("there is %s", key)
			}
			continue
		}
		if value == "*" && got[key] != nil && got[key] != "" {
			continue
		}
		if !reflect.DeepEqual(got[key], value) {
			return fmt.Errorf("%s is %v, not %v", key, got[key], value)
		}
	}
	return nil
}

const (
	ana    = "ana@example.org/home"
	server = "postmaster@example.org/#srv1"
)

// begins plays a login up to established.
func (f *far) begins(node string) {
	f.t.Helper()
	f.hears("new", `{"state":"new","id":null}`)
	f.says(`{"id":"s1","from":"` + server + `","state":"authenticating","schemeOptions":["guest","plain","key","external","transport"]}`)
	f.hears("who it is", `{"id":"s1","state":"authenticating","scheme":"*","authentication":{}}`)
	f.says(`{"id":"s1","from":"` + server + `","to":"` + node + `","state":"established"}`)
}

// session is a client that is in session, and the server's end.
func (p *place) session(cfg Config) (*Client, *far) {
	p.t.Helper()
	d := p.client("ws://server/", cfg)
	f := p.accept()
	f.begins(ana)
	return d.get(), f
}

// within is a context that ends if nothing else does.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

func text(id, content string) *lime.Message {
	return &lime.Message{
		ID: id, To: lime.MustParseNode("rui@example.org/desk"), Type: lime.MediaText,
		Content: json.RawMessage(`"` + content + `"`),
	}
}

// later runs something while the test goes on, and returns what it says.
func later[T any](do func() T) <-chan T {
	c := make(chan T, 1)
	go func() { c <- do() }()
	return c
}
