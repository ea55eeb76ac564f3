package floor

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// patience bounds what must happen soon, on a machine that is busy.
const patience = 20 * time.Second

// serve runs a server until the test ends, and returns where.
func serve(t *testing.T) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { must(t, Serve(ctx, ln)) })
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	return ln.Addr().String()
}

// peer is a client as gobwas/ws has it.
type peer struct {
	t *testing.T
	net.Conn
}

func connect(t *testing.T, addr string, number uint32) *peer {
	t.Helper()
	nc, _, _, err := ws.Dial(t.Context(), "ws://"+addr+"/")
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	must(t, nc.SetDeadline(time.Now().Add(patience)))
	p := &peer{t, nc}
	p.say('i', number, "")
	p.hears('i', number, "")
	return p
}

func message(letter byte, number uint32, content string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{letter}, number), content...)
}

func (p *peer) say(letter byte, number uint32, content string) {
	p.t.Helper()
	must(p.t, wsutil.WriteClientBinary(p.Conn, message(letter, number, content)))
}

func (p *peer) hears(letter byte, number uint32, content string) {
	p.t.Helper()
	got, err := wsutil.ReadServerBinary(p.Conn)
	must(p.t, err)
	if want := message(letter, number, content); !bytes.Equal(got, want) {
		p.t.Errorf("heard %q, want %q", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		t.FailNow()
	}
}

func TestAMessageReachesItsClientAlone(t *testing.T) {
	addr := serve(t)
	ana, rui := connect(t, addr, 7), connect(t, addr, 300_000)
	ana.say('m', 300_000, "1")
	ana.say('m', 8, "to nobody")
	ana.say('m', 7, "to herself")
	rui.hears('m', 300_000, "1")
	ana.hears('m', 7, "to herself")
	long := string(bytes.Repeat([]byte("x"), 70_000))
	rui.say('m', 7, long)
	ana.hears('m', 7, long)
}

func TestAllInARoomHearWhatIsPublished(t *testing.T) {
	addr := serve(t)
	all := []*peer{connect(t, addr, 1), connect(t, addr, 2), connect(t, addr, 3)}
	for _, p := range all {
		p.say('j', 9, "")
		p.hears('j', 9, "")
	}
	outside := connect(t, addr, 4)
	outside.say('p', 9, "1")
	all[0].say('p', 8, "nobody is there")
	for _, p := range all {
		p.hears('p', 9, "1")
	}
	outside.say('m', 4, "2")
	outside.hears('m', 4, "2")
}

func TestWhoIsGoneGetsNothingAndAnotherMayHaveTheNumber(t *testing.T) {
	addr := serve(t)
	ana, rui := connect(t, addr, 1), connect(t, addr, 2)
	must(t, wsutil.WriteClientMessage(rui, ws.OpClose, nil))
	if _, err := wsutil.ReadServerBinary(rui.Conn); err == nil {
		t.Error("the server goes on behind a close frame")
	}
	ana.say('m', 2, "lost")
	ana.say('m', 1, "and that is done")
	ana.hears('m', 1, "and that is done")
	lia := connect(t, addr, 2)
	ana.say('m', 2, "1")
	lia.hears('m', 2, "1")
}

func TestPingsAreAnswered(t *testing.T) {
	ana := connect(t, serve(t), 1)
	must(t, wsutil.WriteClientMessage(ana, ws.OpPing, []byte("x")))
	h, err := ws.ReadHeader(ana)
	must(t, err)
	if h.OpCode != ws.OpPong || h.Length != 1 {
		t.Errorf("%+v", h)
	}
}

func TestWhatNoClientMaySendEndsIt(t *testing.T) {
	addr := serve(t)
	for name, bytes := range map[string][]byte{
		"a short message":      ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame([]byte("m")))),
		"another letter":       ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame(message('x', 1, "")))),
		"a number too high":    ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame(message('m', maxClients, "")))),
		"a text message":       ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(message('m', 1, "")))),
		"a frame without mask": ws.MustCompileFrame(ws.NewBinaryFrame(message('m', 1, ""))),
		"a part of a message":  ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpBinary, false, message('m', 1, "")))),
		"a frame too long":     {0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
	} {
		ana := connect(t, addr, 1)
		_, err := ana.Write(bytes)
		must(t, err)
		if got, err := wsutil.ReadServerBinary(ana.Conn); err == nil {
			t.Errorf("%s is answered by %q", name, got)
		}
	}
}
