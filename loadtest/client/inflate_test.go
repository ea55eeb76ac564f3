package client

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/klauspost/compress/flate"

	"limegrove/edge/poll"
)

// deflated is a message as a server compresses it. RFC 7692, section 7.2.1.
func deflated(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// compressedTo sends a compressed message.
func compressedTo(t *testing.T, server net.Conn, final bool, text string) {
	t.Helper()
	f := ws.NewFrame(ws.OpBinary, final, []byte(text))
	f.Header.Rsv = ws.Rsv(true, false, false)
	if err := ws.WriteFrame(server, f); err != nil {
		t.Fatal(err)
	}
}

// compressing is a client that has agreed on compression.
func compressing(t *testing.T) (h *told, server net.Conn) {
	t.Helper()
	h, _, server = dial(t, Config{Compress: true})
	extension := wsflate.Extension{Parameters: wsflate.DefaultParameters}
	u := ws.Upgrader{Negotiate: extension.Negotiate}
	if _, err := u.Upgrade(server); err != nil {
		t.Fatal(err)
	}
	if p, accepted := extension.Accepted(); !accepted || !p.ServerNoContextTakeover {
		t.Errorf("it offers %+v, %t", p, accepted)
	}
	hears(t, server, "login\n")
	return h, server
}

func TestCompressedMessagesAreInflated(t *testing.T) {
	h, server := compressing(t)
	long := strings.Repeat("the more the merrier ", 3000)
	compressedTo(t, server, true, deflated(t, "welcome\n"))
	_ = want(t, h.ready)
	compressedTo(t, server, true, deflated(t, long+"\n"))
	says(t, server, ws.OpBinary, true, "plain\n")
	compressedTo(t, server, true, deflated(t, "short\n"))
	for _, line := range []string{long, "plain", "short"} {
		if got := want(t, h.lines); got != line {
			t.Errorf("%.30q came, not %.30q", got, line)
		}
	}
}

func TestWhatCannotBeInflatedEndsIt(t *testing.T) {
	for name, text := range map[string]string{
		"no deflated data": "\xff\xff\xff",
		"too long":         deflated(t, strings.Repeat("x", maxFrame+1)),
		"a part":           "",
	} {
		t.Run(name, func(t *testing.T) {
			h, server := compressing(t)
			says(t, server, ws.OpBinary, true, "welcome\n")
			_ = want(t, h.ready)
			compressedTo(t, server, name != "a part", text)
			if err := want(t, h.gone); err == nil {
				t.Error("there is no reason")
			}
		})
	}
}

func TestCompressionThatWasNotAgreedOnEndsIt(t *testing.T) {
	h, _, server := connect(t)
	says(t, server, ws.OpBinary, true, "welcome\n")
	_ = want(t, h.ready)
	compressedTo(t, server, true, deflated(t, "x\n"))
	if err := want(t, h.gone); err == nil {
		t.Error("there is no reason")
	}
}

// What is to be measured is not, when the server does not agree.
func TestServerThatDoesNotCompressIsAFailure(t *testing.T) {
	_, e, server := dial(t, Config{Compress: true, Attempts: 1})
	if _, err := ws.Upgrade(server); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Error("it says something all the same")
	}
	first := make(chan error, 1)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); { // the loop is told of it behind us
		if err := e.Post(func(*poll.Turn) { first <- e.Opening.First }); err != nil {
			t.Fatal(err)
		}
		if err := want(t, first); err != nil {
			if !errors.Is(err, errUncompressed) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("the client has not failed")
}
