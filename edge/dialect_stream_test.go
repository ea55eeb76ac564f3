package edge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

// lines is a dialect of frames that are lines of at most 99,999 characters behind their length in five
// digits. The first is a name. "to@example.org hello" is a message, "in /a /b" enters rooms,
// "pong 7" answers a probe, and any other line is answered by itself.
type lines struct{}

func (lines) Name() string           { return "lines" }
func (lines) Domain() string         { return "lines.org" }
func (lines) Accept() dialect.Framed { return new(liner) }

type liner struct{ name string }

// digits is how many a length has.
const digits = 5

// framedLine is a frame.
func framedLine(text string) string { return fmt.Sprintf("%0*d%s", digits, len(text), text) }

func (*liner) Size(b []byte) (n int, err error) {
	if len(b) < digits {
		return 0, nil
	}
	if n, err = strconv.Atoi(string(b[:digits])); err != nil {
		return 0, errors.New("no digits")
	}
	return digits + n, nil
}

func (l *liner) Greet(frame []byte, _ dialect.Peer) (more bool) {
	l.name = string(frame[digits:])
	return l.name == "wait"
}

func (l *liner) Login() dialect.Login {
	if l.name == "" {
		return dialect.Login{Refused: lime.NewReason(lime.CodeSessionError, "No name")}
	}
	return dialect.Login{
		Node: lime.MustParseNode(l.name + "@lines.org/one"), Receipts: lime.EventsOf(lime.EventAccepted), Rooms: "rooms.org",
		Rights: room.Rules{{Room: "/a", Who: room.Everyone, May: room.Publish}}, Backlog: 1 << 20,
	}
}

func (l *liner) FromClient(frame []byte, binary bool) dialect.Said {
	words := strings.Fields(string(frame[digits:]))
	switch {
	case len(words) == 0 || !binary:
		return dialect.Said{Close: true, Drop: "empty"}
	case words[0] == "pong":
		n, _ := strconv.ParseUint(words[1], 10, 32)
		return dialect.Said{Proved: uint32(n)}
	case words[0] == "in":
		var said dialect.Said
		for _, name := range words[1:] {
			said.Enter = append(said.Enter, dialect.Subscription{Room: room.Name(name), Request: name})
		}
		return said
	case strings.Contains(words[0], "@"):
		m := lime.Message{ID: "m", To: lime.MustParseNode(words[0]), Type: lime.MediaText, Content: fmt.Appendf(nil, "%q", words[1])}
		return dialect.Said{Envelope: m.AppendJSON(nil)}
	}
	return dialect.Said{Answer: bytes.Clone(frame)}
}

func (*liner) ToClient(dst, envelope []byte) ([]byte, bool) {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil || h.Kind == lime.KindCommand {
		return dst, false
	}
	if h.Kind != lime.KindMessage {
		return dst, true
	}
	return append(dst, framedLine(string(h.Content(envelope)))...), true
}

func (*liner) Probe(dst []byte, n uint32) []byte {
	return append(dst, framedLine(fmt.Sprint("ping ", n))...)
}

func (*liner) End(*lime.Reason) ([]byte, string) { return nil, "" }

func (*liner) Entered(ok bool) []byte { return []byte(framedLine(fmt.Sprint("in ", ok))) }

func (*liner) Publication(dst []byte, s dialect.Subscription, envelope []byte) ([]byte, bool) {
	return append(dst, framedLine(s.Request+" "+string(envelope))...), true
}

func (*liner) Missed() {}

func (l *liner) Ends(end func()) {
	if l.name == "end" {
		end()
	}
}

// framesInMemory is inMemory with clients of a dialect of frames.
func framesInMemory(t *testing.T, cfg Config, test func(t *testing.T, e *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.goroutines, cfg.Framed = true, lines{}
		e := newFixture(t, cfg)
		e.over = overFrames
		e.runInMemory()
		synctest.Wait()
		test(t, e)
	})
}

// liner connects, and says something.
func (e *fixture) liner(said string) net.Conn {
	e.t.Helper()
	nc := e.dial()
	e.t.Cleanup(func() { _ = nc.Close() })
	must(e.t, say(nc, said))
	return nc
}

func say(nc net.Conn, text string) error {
	_, err := nc.Write([]byte(text))
	return err
}

// wants reads what is to come next.
func wants(t *testing.T, nc net.Conn, why, text string) {
	t.Helper()
	b := make([]byte, len(text))
	if n, err := io.ReadFull(nc, b); err != nil || string(b) != text {
		t.Errorf("%s: got %q (%v), want %q", why, b[:n], err, text)
	}
}

// itEnds reads the end, and nothing before it.
func itEnds(t *testing.T, nc net.Conn, why string) {
	t.Helper()
	if b, err := io.ReadAll(nc); err != nil || len(b) > 0 {
		t.Errorf("%s: got %q (%v)", why, b, err)
	}
}

func TestADialectOfFramesHasASessionOfLIME(t *testing.T) {
	framesInMemory(t, Config{}, func(t *testing.T, e *fixture) {
		nc := e.liner("")
		for _, b := range []byte(framedLine("bob") + framedLine("early")) { // byte by byte
			must(t, say(nc, string(b)))
		}
		wants(t, nc, "what was said before the session waits", framedLine("early"))
		place := e.board.only(t, "bob@lines.org")
		if place.node.String() != "bob@lines.org/one" || !place.active || place.events != lime.EventsOf(lime.EventAccepted) {
			t.Errorf("its place is %+v", place)
		}
		must(t, say(nc, framedLine("one")+framedLine("two")+framedLine("ana@example.org hello")))
		wants(t, nc, "frames that come together", framedLine("one")+framedLine("two"))
		synctest.Wait()
		must(t, place.to.Deliver([]byte(`{"content":"x","type":"text/plain"}`)))
		must(t, place.to.Deliver([]byte(`{"method":"get","uri":"/x"}`)))
		must(t, place.to.Probe(1))
		place.to.Flush()
		wants(t, nc, "a message and its probe", framedLine(`"x"`)+framedLine("ping 1"))
		must(t, say(nc, framedLine("pong 2")+framedLine("pong 1")+framedLine("x")))
		wants(t, nc, "it goes on", framedLine("x"))
		if got := place.proved(); len(got) != 1 || got[0] != 1 {
			t.Errorf("what is proved is %v", got)
		}
		if n := counted(t, e.metrics.dialects.untold.WithLabelValues("lines")); n != 1 {
			t.Errorf("%d have no frame, want the command", n)
		}
		must(t, say(nc, framedLine("")))
		itEnds(t, nc, "it has said something that ends it")
		if n := counted(t, e.metrics.dialects.dropped.WithLabelValues("lines", "empty")); n != 1 {
			t.Errorf("%d are dropped", n)
		}
	})
}

func TestWhatIsNoFrameOfADialectEndsItsConnection(t *testing.T) {
	framesInMemory(t, Config{MaxEnvelope: 30000}, func(t *testing.T, e *fixture) {
		for why, text := range map[string]string{
			"no frame": "hello", "no name": framedLine(""), "the first is too long": "16380", "longer than any may be": framedLine("bob") + "29996",
		} {
			nc := e.liner(text)
			itEnds(t, nc, why)
		}
		if n := e.Connections(); n != 0 {
			t.Errorf("%d are left", n)
		}
		nc := e.liner(framedLine("bob") + framedLine(strings.Repeat("x", 29995)))
		wants(t, nc, "the longest that may", framedLine(strings.Repeat("x", 29995)))
	})
}

func TestAClientThatNamesNobodyIsNotKept(t *testing.T) {
	framesInMemory(t, Config{EstablishTimeout: 5 * time.Second}, func(t *testing.T, e *fixture) {
		began := time.Now()
		nc := e.liner("000")
		itEnds(t, nc, "nothing more has come")
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it ends after %v", took)
		}
		itEnds(t, e.liner(""), "nothing at all")
	})
}

func TestAConnectionThatOnlyLooksIsNoTrouble(t *testing.T) {
	logger, logged := logtest.NewNullLogger()
	logger.SetLevel(logrus.InfoLevel)
	framesInMemory(t, Config{Logger: logger}, func(t *testing.T, e *fixture) {
		must(t, e.dial().Close())
		synctest.Wait()
		if n := e.Connections(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
	for _, entry := range logged.AllEntries() {
		t.Errorf("the log says %s", entry.Message)
	}
}

func TestASilentClientOfFramesIsPinged(t *testing.T) {
	cfg := Config{PingInterval: 10 * time.Second, IdleTimeout: 15 * time.Second}
	framesInMemory(t, cfg, func(t *testing.T, e *fixture) {
		nc := e.liner(framedLine("bob"))
		for range 5 {
			wants(t, nc, "it is asked", framedLine("ping 0"))
			must(t, say(nc, framedLine("pong 0")))
		}
		quiet := time.Now()
		wants(t, nc, "it is asked", framedLine("ping 0"))
		itEnds(t, nc, "it does not answer")
		if took := time.Since(quiet); took != 15*time.Second {
			t.Errorf("it ends after %v", took)
		}
		nc = e.liner(framedLine("eve"))
		for range 30 { // its own pings are answered, and it is not asked
			must(t, say(nc, framedLine("keep alive")))
			wants(t, nc, "an answer", framedLine("keep alive"))
			time.Sleep(2 * time.Second)
		}
	})
}

func TestNothingOfAFloodOfFramesIsRefused(t *testing.T) {
	framesInMemory(t, Config{EnvelopeRate: 100}, func(t *testing.T, e *fixture) {
		nc := e.liner(framedLine("bob"))
		const n = 1000
		began := time.Now()
		go say(nc, strings.Repeat(framedLine("bob@lines.org/one hello"), n)+framedLine("done")) //nolint:errcheck // what comes tells
		wants(t, nc, "all of it is taken", strings.Repeat(framedLine(`"hello"`), n)+framedLine("done"))
		if took := time.Since(began); took < 7*time.Second {
			t.Errorf("it takes %v", took)
		}
		if got := counted(t, e.metrics.dropped[dropRate]); got != 0 {
			t.Errorf("%d are refused", got)
		}
	})
}

func TestANewerConnectionOfFramesReplacesTheOlder(t *testing.T) {
	framesInMemory(t, Config{}, func(t *testing.T, e *fixture) {
		older := e.liner(framedLine("bob") + framedLine("x"))
		wants(t, older, "it is there", framedLine("x"))
		newer := e.liner(framedLine("bob") + framedLine("y"))
		wants(t, newer, "so is the newer one", framedLine("y"))
		itEnds(t, older, "the older one is replaced")
		must(t, say(newer, framedLine("z")))
		wants(t, newer, "the newer one stays", framedLine("z"))
	})
}

func TestAClientOfFramesEntersRoomsTogether(t *testing.T) {
	h := &hotel{}
	framesInMemory(t, Config{Rooms: h}, func(t *testing.T, e *fixture) {
		h.close("/b")
		nc := e.liner(framedLine("bob") + framedLine("in /a /b /c") + framedLine("x"))
		wants(t, nc, "the first", framedLine("in true"))
		synctest.Wait()
		h.publish("/a", "early")
		wants(t, nc, "what comes while the others are entered", framedLine("/a early"))
		h.doors["/b"] <- lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "It is full")
		wants(t, nc, "the others, and what was said behind them", framedLine("in false")+framedLine("in true")+framedLine("x"))
		h.publish("/c", "news")
		wants(t, nc, "news", framedLine("/c news"))
	})
}

func TestAFrameBeforeTheFirstCountsForNothing(t *testing.T) {
	framesInMemory(t, Config{EstablishTimeout: 5 * time.Second}, func(t *testing.T, e *fixture) {
		nc := e.liner(framedLine("wait") + framedLine("wait") + framedLine("bob") + framedLine("x"))
		wants(t, nc, "it is let in", framedLine("x"))
		e.board.only(t, "bob@lines.org")
		began := time.Now()
		itEnds(t, e.liner(framedLine("wait")), "nothing else comes")
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it ends after %v", took)
		}
	})
}

func TestAClientOfFramesMayEndItsSession(t *testing.T) {
	framesInMemory(t, Config{}, func(t *testing.T, e *fixture) {
		nc := e.liner(framedLine("end"))
		itEnds(t, nc, "it has ended it at once")
		if n := e.Connections(); n != 0 {
			t.Errorf("%d are left", n)
		}
		other := e.liner(framedLine("bob") + framedLine("x"))
		wants(t, other, "others go on", framedLine("x"))
	})
}
