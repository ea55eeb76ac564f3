package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"limegrove/edge/poll"
	"limegrove/loadtest/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A million of them are held at once.
func TestClientsAreSmall(t *testing.T) {
	if size := unsafe.Sizeof(Client{}); size > 32 {
		t.Errorf("a client has %d bytes", size)
	}
}

// lines is a protocol of lines, of which a frame may have several, or a part of one.
type lines struct{}

func (lines) Traits() protocol.Traits { return protocol.Traits{Path: "/", Binary: true} }

func (lines) AppendLogin(out []byte, _, step int, in []byte) (grown []byte, taken int, done bool, err error) {
	if step == 0 {
		return append(out, "login\n"...), 0, false, nil
	}
	taken = bytes.IndexByte(in, '\n') + 1
	return out, taken, taken > 0, nil
}

func (lines) AppendMessage(out []byte, _ int, m *protocol.Message) []byte {
	return append(append(out, m.Text...), '\n')
}

func (lines) Read(in []byte) (e protocol.Event, taken int, err error) {
	taken = bytes.IndexByte(in, '\n') + 1
	switch line := string(in[:taken]); line {
	case "":
	case "again\n":
		e.Answer = []byte("answer\n")
	case "bad\n":
		return e, 0, errors.New("bad")
	default:
		e.Kind, e.Reason = protocol.Failed, bytes.Clone(in[:taken-1])
	}
	return e, taken, nil
}

// told is a handler that passes on what it is told.
type told struct {
	ready chan *Client
	lines chan string
	gone  chan error
}

func (h *told) Ready(_ *poll.Turn, c *Client) { h.ready <- c }
func (h *told) Event(_ *poll.Turn, _ *Client, e *protocol.Event, _ time.Duration) {
	h.lines <- string(e.Reason)
}
func (h *told) Gone(_ *poll.Turn, _ *Client, err error) { h.gone <- err }

// want receives what must come soon.
func want[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

// connect has one client of an engine connect to a listener, and upgrades it.
func connect(t *testing.T) (h *told, e *Engine, server net.Conn) {
	t.Helper()
	h, e, server = dial(t, Config{})
	if _, err := ws.Upgrade(server); err != nil {
		t.Fatal(err)
	}
	hears(t, server, "login\n")
	return h, e, server
}

// dial has one client of an engine connect to a listener.
func dial(t *testing.T, cfg Config) (h *told, e *Engine, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	h = &told{make(chan *Client, 8), make(chan string, 8), make(chan error, 8)}
	at := listener.Addr().(*net.TCPAddr).AddrPort()
	cfg.Protocol, cfg.Handler, cfg.Clients, cfg.Epoch = lines{}, h, 1, time.Now()
	cfg.Server, cfg.From = func(int) netip.AddrPort { return at }, func(int) netip.Addr { return netip.Addr{} }
	if e, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	if err := e.Post(func(t *poll.Turn) { e.Opening.Start(t, 0, 1) }); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return h, e, server
}

// hears reads what the client says.
func hears(t *testing.T, server net.Conn, want string) {
	t.Helper()
	header, err := ws.ReadHeader(server)
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, header.Length)
	if _, err := io.ReadFull(server, payload); err != nil {
		t.Fatal(err)
	}
	if ws.Cipher(payload, header.Mask, 0); string(payload) != want {
		t.Errorf("the client says %q, not %q", payload, want)
	}
}

// says sends a frame.
func says(t *testing.T, server net.Conn, op ws.OpCode, final bool, text string) {
	t.Helper()
	if err := ws.WriteFrame(server, ws.NewFrame(op, final, []byte(text))); err != nil {
		t.Fatal(err)
	}
}

// TestMessagesNeedNotBeFrames: a stream may be cut anywhere, in the login too.
func TestMessagesNeedNotBeFrames(t *testing.T) {
	h, _, server := connect(t)
	says(t, server, ws.OpBinary, true, "wel")
	says(t, server, ws.OpBinary, true, "come\none\ntw")
	_ = want(t, h.ready)
	says(t, server, ws.OpBinary, false, "o\nthr")
	says(t, server, ws.OpContinuation, false, "ee\nfo")
	says(t, server, ws.OpContinuation, true, "ur\n")
	for _, line := range []string{"one", "two", "three", "four"} {
		if got := want(t, h.lines); got != line {
			t.Errorf("%q came, not %q", got, line)
		}
	}
}

func TestPingsAndQuestionsAreAnswered(t *testing.T) {
	_, _, server := connect(t)
	says(t, server, ws.OpBinary, true, "welcome\n")
	says(t, server, ws.OpPing, true, "beat")
	hears(t, server, "beat")
	says(t, server, ws.OpBinary, true, "again\n")
	hears(t, server, "answer\n")
}

func TestEndsAreTold(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, server net.Conn, e *Engine){
		"a close":       func(t *testing.T, server net.Conn, _ *Engine) { says(t, server, ws.OpClose, true, "") },
		"what is wrong": func(t *testing.T, server net.Conn, _ *Engine) { says(t, server, ws.OpBinary, true, "bad\n") },
		"a cut":         func(_ *testing.T, server net.Conn, _ *Engine) { _ = server.Close() },
		"its own wish":  func(_ *testing.T, _ net.Conn, e *Engine) { _ = e.Post(func(*poll.Turn) { e.At(0).Close(errTimeout) }) },
		"no frame at all": func(t *testing.T, server net.Conn, _ *Engine) {
			if _, err := server.Write([]byte{0xff, 0xff}); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, e, server := connect(t)
			says(t, server, ws.OpBinary, true, "welcome\n")
			_ = want(t, h.ready)
			end(t, server, e)
			if err := want(t, h.gone); err == nil {
				t.Error("there is no reason")
			}
		})
	}
}
