package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"

	"limegrove/internal/limetest"
	"limegrove/lime"
	"limegrove/room"
)

// line is one of a dialogue of testdata/dialogues. The first letter tells what it is:
//
//	C  the client says it; $id is the session's id
//	S  a pattern of what the edge says to the client, in this order
//	P  a pattern of what is handed on, to the client's peer
//	D  routing delivers it to the client, who gets it as it is
//	X  the connection ends without a word
//
// Dialogues of real clients are recorded by the end-to-end tests, which fail when
// those say something else; of others they are written by what is known of them.
type line struct {
	kind byte
	text string
}

func dialogues(t testing.TB) map[string][]line {
	t.Helper()
	files, err := filepath.Glob("testdata/dialogues/*.txt")
	must(t, err)
	all := map[string][]line{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		must(t, err)
		var lines []line
		for text := range strings.Lines(string(b)) {
			text = strings.TrimSpace(text)
			switch {
			case text == "" || text[0] == '#':
			case strings.IndexByte("CSPDX", text[0]) < 0:
				t.Fatalf("%s: what is %s?", name, text)
			default:
				lines = append(lines, line{text[0], strings.TrimSpace(text[1:])})
			}
		}
		all[strings.TrimSuffix(filepath.Base(name), ".txt")] = lines
	}
	if len(all) == 0 {
		t.Fatal("there are no dialogues")
	}
	return all
}

// However what a client says is cut and joined on its way, and whether or not it waits
// for answers, the edge answers the same, hands on the same, and sends nothing that
// some client cannot bear. L-TRN-04, L-TRN-06, L-TRN-07, L-CMD-09.
func TestDialoguesOfClientsHoweverTheyAreCut(t *testing.T) {
	for name, over := range map[string]transport{"WebSocket": overWebSocket, "TCP": overTCP} {
		t.Run(name, func(t *testing.T) { rapid.Check(t, plays(t, over)) })
	}
}

// FuzzDialogues looks for pieces that the property test does not come to.
func FuzzDialogues(f *testing.F) {
	webSocket, tcp := plays(f, overWebSocket), plays(f, overTCP)
	f.Fuzz(rapid.MakeFuzz(func(r *rapid.T) {
		if rapid.Bool().Draw(r, "over TCP") {
			tcp(r)
			return
		}
		webSocket(r)
	}))
}

// plays starts an edge, to which clients come in one way, and returns what plays a
// dialogue there.
func plays(t testing.TB, over transport) func(*rapid.T) {
	all := dialogues(t)
	names := slices.Sorted(maps.Keys(all))
	e := newFixture(t, Config{EnvelopeRate: -1, ByteRate: -1, goroutines: true}) // rapid wants no bubble
	e.over = over
	e.runInMemory()
	return func(r *rapid.T) {
		newPlaying(r, e).play(all[rapid.SampledFrom(names).Draw(r, "client")])
	}
}

// playing is a dialogue that is under way.
type playing struct {
	*rapid.T
	e     *fixture
	nc    net.Conn
	over  transport
	id    string     // the session's
	state lime.State // the last that was told
	node  string
	peer  peer

	writing sync.Mutex  // held from one frame's or envelope's begin to its end
	in      chan string // what the edge says; closed at the end
}

// peer is a session that keeps what it is handed.
type peer chan string

func (p peer) Deliver(envelope []byte) error  { p <- string(envelope); return nil }
func (p peer) Flush()                         {}
func (p peer) Pass(any, []byte) (bool, error) { return false, nil }
func (p peer) Probe(uint32) error             { return nil }
func (p peer) Hold(bool)                      {}
func (p peer) Granted(room.Grants)            {}
func (p peer) End(*lime.Reason)               {}

func newPlaying(r *rapid.T, e *fixture) *playing {
	p := &playing{T: r, e: e, nc: e.dial(), over: e.over, peer: make(peer, 100), in: make(chan string, 100)}
	r.Cleanup(func() { _ = p.nc.Close() })
	member, err := e.board.Attach(r.Context(), Arrival{Node: lime.MustParseNode("rui@example.org/desk")}, p.peer)
	if err != nil {
		r.Fatal(err)
	}
	member.Activate()
	r.Cleanup(member.Leave)
	if p.over == overTCP {
		go p.readEnvelopes()
		return p
	}
	if _, err := p.nc.Write([]byte(request)); err != nil {
		r.Fatal(err)
	}
	head := make([]byte, 0, 4096)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if n, err := p.nc.Read(head[len(head) : len(head)+1]); err != nil {
			r.Fatalf("the upgrade ends after %q: %v", head, err)
		} else {
			head = head[:len(head)+n]
		}
	}
	if !bytes.Contains(head, []byte("Sec-WebSocket-Protocol: lime\r\n")) { // or lime-js does not connect
		r.Fatalf("no upgrade: %s", head)
	}
	go p.readFrames()
	return p
}

// play says all that the client says up to where it has to know something first, listens,
// and goes on.
func (p *playing) play(lines []line) {
	for len(lines) > 0 {
		n := turn(lines)
		var said strings.Builder
		for _, one := range lines[:n] {
			if one.kind == 'C' {
				said.WriteString(rapid.StringMatching(`[ \n\t\r]{0,3}`).Draw(p.T, "space"))
				said.WriteString(strings.ReplaceAll(one.text, "$id", p.id))
			}
		}
		p.says(said.String())
		for _, one := range lines[:n] {
			switch one.kind {
			case 'S':
				p.hears(one.text)
			case 'P':
				p.handsOn(one.text)
			case 'D':
				p.delivers(one.text)
			case 'X':
				_ = p.nc.Close()
			}
		}
		lines = lines[n:]
	}
	select {
	case envelope, ok := <-p.in:
		if ok {
			p.Fatalf("it goes on: %s", envelope)
		}
	case <-time.After(patience):
		p.Fatalf("the connection does not end")
	}
	for len(p.peer) > 0 {
		p.Fatalf("it also hands on %s", <-p.peer)
	}
}

// turn is how many of the lines belong together: a client waits for what the edge says of
// its session, and for what it is delivered.
func turn(lines []line) int {
	waits := false
	for i, one := range lines {
		if one.kind == 'C' && waits {
			return i
		}
		waits = waits || one.kind == 'D' || one.kind == 'S' && strings.Contains(one.text, `"state"`)
	}
	return len(lines)
}

// says writes what the client says, in pieces.
func (p *playing) says(text string) {
	wire := []byte(text)
	if p.over == overWebSocket {
		wire = p.messages(text)
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	for len(wire) > 0 {
		n := rapid.IntRange(1, len(wire)).Draw(p.T, "write")
		_, _ = p.nc.Write(wire[:n]) // or the connection has ended, which shows in what is heard
		wire = wire[n:]
	}
}

// messages cuts a text into messages and fragments of them, with control frames between.
func (p *playing) messages(text string) (wire []byte) {
	for fragmented := false; text != "" || fragmented; {
		n := rapid.IntRange(0, len(text)).Draw(p.T, "length")
		fin := rapid.Bool().Draw(p.T, "fin")
		op := ws.OpText
		if fragmented {
			op = ws.OpContinuation
		}
		if rapid.IntRange(0, 9).Draw(p.T, "control") == 0 {
			wire = append(wire, frame(ws.OpPong, "x")...) // .NET sends them unasked
		}
		wire = append(wire, part(op, fin, text[:n])...)
		text, fragmented = text[n:], !fin
	}
	return wire
}

// hears takes the next envelope that the edge sends.
func (p *playing) hears(pattern string) string {
	select {
	case envelope, ok := <-p.in:
		if !ok {
			p.Fatalf("the end came, not %s", pattern)
		}
		if err := limetest.Bearable([]byte(envelope)); err != nil {
			p.Fatalf("some client cannot bear %s: %v", envelope, err)
		}
		if err := match([]byte(envelope), strings.ReplaceAll(strings.ReplaceAll(pattern, `"$id"`, `"*"`), "$id", p.id)); err != nil {
			p.Fatalf("%v, in %s", err, envelope)
		}
		var h lime.Header
		if _, err := h.Scan([]byte(envelope)); err != nil {
			p.Fatalf("%s: %v", envelope, err)
		}
		if h.Kind == lime.KindSession {
			if p.id != "" && p.id != string(h.ID) || p.state > h.State {
				p.Fatalf("L-FIN-06: after %v of %s comes %s", p.state, p.id, envelope)
			}
			p.id, p.state, p.node = string(h.ID), h.State, string(h.To)
		}
		return envelope
	case <-time.After(patience):
		p.Fatalf("nothing came, not %s", pattern)
	}
	return ""
}

// handsOn takes the next envelope that the edge hands on.
func (p *playing) handsOn(pattern string) {
	select {
	case envelope := <-p.peer:
		if err := limetest.Bearable([]byte(envelope)); err != nil {
			p.Fatalf("some client cannot bear %s: %v", envelope, err)
		}
		if err := match([]byte(envelope), pattern); err != nil {
			p.Fatalf("%v, in %s, which is handed on", err, envelope)
		}
	case <-time.After(patience):
		p.Fatalf("nothing is handed on, not %s", pattern)
	}
}

// delivers has routing hand something to the client, who gets it as it is.
func (p *playing) delivers(envelope string) {
	to := p.e.board.place(p.node).to
	if err := to.Deliver([]byte(envelope)); err != nil {
		p.Fatalf("deliver: %v", err)
	}
	to.Flush()
	if got := p.hears(`{}`); got != envelope {
		p.Fatalf("%s became %s", envelope, got)
	}
}

// readFrames takes what comes over WebSocket, and answers pings and the close frame.
func (p *playing) readFrames() {
	defer close(p.in)
	for {
		f, err := readFrame(p.nc)
		if err != nil {
			return
		}
		switch f.Header.OpCode {
		case ws.OpPing:
			p.answers(frame(ws.OpPong, string(f.Payload)))
		case ws.OpClose:
			p.answers(frame(ws.OpClose, string(f.Payload)))
		default:
			if f.Header.OpCode != ws.OpText || !f.Header.Fin {
				f.Payload = fmt.Appendf(nil, "a frame with the head %+v", f.Header)
			}
			p.in <- string(f.Payload)
		}
	}
}

// readEnvelopes takes what comes over TCP, and answers the edge's own pings.
func (p *playing) readEnvelopes() {
	defer close(p.in)
	for stream := json.NewDecoder(p.nc); ; {
		var raw json.RawMessage
		if stream.Decode(&raw) != nil {
			return
		}
		var e struct{ ID, From, URI string }
		if json.Unmarshal(raw, &e) == nil && e.From == server && e.URI == "/ping" {
			p.answers([]byte(`{"id":"` + e.ID + `","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{}}`))
			continue
		}
		p.in <- string(raw)
	}
}

// answers writes between what the client says.
func (p *playing) answers(b []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	_, _ = p.nc.Write(b) // or the connection has ended
}
