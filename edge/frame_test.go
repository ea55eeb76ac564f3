package edge

import (
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// badInput is what a client does wrong, and how its session ends by it.
type badInput struct {
	name   string
	do     func(c *client)
	reason lime.Code
	code   ws.StatusCode
}

func sends(b []byte) func(*client) { return func(c *client) { c.write(b) } }

func badInputs() []badInput {
	head := func(h ws.Header) []byte { return compile(h, "") }
	const envelope = `{"id":"m","to":"rui","type":"text/plain","content":"x"}`
	return []badInput{
		// RFC 6455, sections 5.1 to 5.5.
		{"unmasked frame", sends(compile(ws.Header{Fin: true, OpCode: ws.OpText, Length: int64(len(envelope))}, envelope)), 21, 1002},
		{"unmasked ping", sends(compile(ws.Header{Fin: true, OpCode: ws.OpPing}, "")), 21, 1002},
		{"reserved bit 1, as of compression", sends(head(ws.Header{Fin: true, OpCode: ws.OpText, Rsv: 4, Masked: true})), 21, 1002},
		{"reserved bit 2", sends(head(ws.Header{Fin: true, OpCode: ws.OpText, Rsv: 2, Masked: true})), 21, 1002},
		{"reserved bit 3", sends(head(ws.Header{Fin: true, OpCode: ws.OpPong, Rsv: 1, Masked: true})), 21, 1002},
		{"reserved data frame", sends(frame(3, "")), 21, 1002},
		{"reserved control frame", sends(frame(0xb, "")), 21, 1002},
		{"fragmented ping", sends(part(ws.OpPing, false, "")), 21, 1002},
		{"long ping", sends(frame(ws.OpPing, strings.Repeat("x", 126))), 21, 1002},
		{"continuation of nothing", sends(frame(ws.OpContinuation, envelope)), 21, 1002},
		{"text within a fragmented message", sends(append(part(ws.OpText, false, " "), frame(ws.OpText, envelope)...)), 21, 1002},
		{"length with the top bit", sends([]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}), 21, 1002},
		{"length of 2^63 - 1", sends([]byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}), 21, 1009},
		{"length of 2^63", sends([]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 21, 1002},
		{"binary frame", sends(frame(ws.OpBinary, envelope)), 21, 1003}, // L-TRN-05
		// L-TRN-08.
		{"envelope one byte too long", func(c *client) { c.says(padded(512<<10 + 1)) }, 21, 1009},
		{"envelope of 10 MB", func(c *client) { c.says(padded(10 << 20)) }, 21, 1009},
		{"envelope of 10 MB in small messages", func(c *client) { c.pieces(padded(10<<20), 100_000) }, 21, 1009},
		{"envelope of 10 MB in fragments", func(c *client) {
			c.write(part(ws.OpText, false, `{"x":"`))
			for range 100 {
				c.write(part(ws.OpContinuation, false, strings.Repeat("x", 100_000)))
			}
		}, 21, 1009},
		// L-TRN-13.
		{"no JSON", func(c *client) { c.says(`hello`) }, 21, 1000},
		{"a scalar", func(c *client) { c.says(`7`) }, 21, 1000},
		{"an array", func(c *client) { c.says(`[` + envelope + `]`) }, 21, 1000},
		{"broken JSON", func(c *client) { c.says(`{"id":"x",}`) }, 21, 1000},
		{"brackets that do not match", func(c *client) { c.says(`{"id":["x"}`) }, 21, 1000},
		{"garbage behind an object", func(c *client) { c.says(`{"id":"$id","state":"x"} x`) }, 21, 1000},
		{"garbage behind half an object", func(c *client) { c.says(`{"id":`); c.says(`]}`) }, 21, 1000},
		{"1,000-deep JSON", func(c *client) {
			c.says(`{"x":` + strings.Repeat(`{"x":`, 1000) + `1` + strings.Repeat(`}`, 1001))
		}, 21, 1000},
		{"1,000-deep JSON that never ends", func(c *client) { c.says(`{"x":` + strings.Repeat(`[`, 1000)) }, 21, 1000},
		{"invalid UTF-8", func(c *client) { c.says("{\"id\":\"\xff\",\"state\":\"new\"}") }, 21, 1007}, // RFC 6455, section 8.1
		{"invalid UTF-8 in pieces", func(c *client) { c.says("{\"id\":\"\xff"); c.says("\",\"state\":\"new\"}") }, 21, 1007},
		{"overlong UTF-8", func(c *client) { c.says("{\"id\":\"\xc0\x80\"}") }, 21, 1007},
		{"a surrogate in UTF-8", func(c *client) { c.says("{\"id\":\"\xed\xa0\x80\"}") }, 21, 1007},
		{"half a surrogate pair", func(c *client) { c.says(`{"id":"\ud800"}`) }, 21, 1000},
		{"a numeric id", func(c *client) { c.says(`{"id":7,"state":"new"}`) }, 21, 1000}, // L-ENV-13
		{"an id twice", func(c *client) { c.says(`{"id":"a","id":"b","state":"new"}`) }, 21, 1000},
		{"From beside from", func(c *client) { c.says(`{"From":"a","from":"b","state":"new"}`) }, 21, 1000},
		{"unknown state", func(c *client) { c.says(`{"state":"sleeping"}`) }, 21, 1000},
		{"no known kind", func(c *client) { c.says(`{"hello":"world"}`) }, 21, 1000}, // L-ENV-04
	}
}

// padded is an object of n bytes that is no envelope yet.
func padded(n int) string { return `{"x":"` + strings.Repeat("x", n-8) + `"}` }

// What is left of a frame is the same frame, shorter.
func TestWhatIsLeftOfAFrame(t *testing.T) {
	for _, length := range []int{1, 125, 126, 127, 1000, 1<<16 - 1, 1 << 16, 1<<16 + 5, 1 << 17} {
		for _, left := range []int{1, 100, 125, 126, 1<<16 - 1, 1 << 16, length - 1, length} {
			if left < 1 || left > length {
				continue
			}
			text := padded(max(8, length))[:length]
			for _, b := range [][]byte{frame(ws.OpText, text), part(ws.OpText, false, text), part(ws.OpContinuation, true, text)} {
				h, n := parseHead(b)
				ws.Cipher(b[n:], h.Mask, 0)
				got := b[len(b)-leave(b, h, left):]
				rest, n := parseHead(got)
				ws.Cipher(got[n:], rest.Mask, 0)
				if string(got[n:]) != text[length-left:] || int(rest.Length) != left || rest.Fin != h.Fin || rest.OpCode != h.OpCode || !rest.Masked || rest.Rsv != 0 {
					t.Errorf("%d of %d bytes are left as %+v", left, length, rest)
				}
			}
		}
	}
}

// pieces sends a text in messages of n bytes.
func (c *client) pieces(text string, n int) {
	for len(text) > 0 {
		k := min(n, len(text))
		c.says(text[:k])
		text = text[k:]
	}
}

// TestBadInput ends the session that it comes from, with a reason and a close code
// that say what is wrong, before and after it is established; and another session
// on the same edge notices nothing.
func TestBadInput(t *testing.T) {
	for _, bad := range badInputs() {
		t.Run(bad.name, func(t *testing.T) {
			inMemory(t, Config{}, func(t *testing.T, e *fixture) {
				ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
				for _, c := range []*client{e.upgraded(), e.login("eve@example.org/1")} {
					bad.do(c)
					c.hearsFailed(bad.name, bad.reason, bad.code)
					ana.greets("nothing happened", rui)
				}
				if n := e.board.len(); n != 2 {
					t.Errorf("%d have a place", n)
				}
				ana.hearsNothing("nothing else")
			})
		})
	}
}

// The same over real sockets, which end otherwise than pipes.
func TestBadInputOverSockets(t *testing.T) {
	each(t, Config{}, func(_ *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		for _, bad := range badInputs() {
			c := e.login("eve@example.org/1")
			bad.do(c)
			c.hearsFailed(bad.name, bad.reason, bad.code)
			_ = c.nc.Close()
		}
		ana.greets("nothing happened", rui)
	})
}

func TestLongestEnvelopePasses(t *testing.T) {
	inMemory(t, Config{MaxEnvelope: 2000, SendQueue: 4000}, func(_ *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		rest := `","from":"ana@example.org/1","to":"rui@example.org/1","type":"text/plain"}`
		long := `{"content":"` + strings.Repeat("x", 2000-len(rest)-12) + rest
		ana.says(long)
		rui.hearsFrame("as it came", ws.OpText, long)
		ana.pieces(long, 7)
		rui.hearsFrame("in pieces, too", ws.OpText, long)
		ana.pieces(" "+long, 7)
		ana.hearsFailed("white space counts to an envelope that is in pieces", 21, 1009)
	})
}

func TestPingIsAnsweredByItsPayload(t *testing.T) { // RFC 6455, section 5.5.3
	inMemory(t, Config{EnvelopeRate: 10}, func(_ *testing.T, e *fixture) {
		c := e.upgraded()
		for _, payload := range []string{"", "x", strings.Repeat("y", 125)} {
			c.write(frame(ws.OpPing, payload))
			c.hearsFrame("a pong", ws.OpPong, payload)
		}
		c.write(frame(ws.OpPong, "unasked"))
		c.hearsNothing("a pong is not answered")
		for range 1000 {
			c.write(frame(ws.OpPing, "flood"))
		}
		for range 17 {
			c.hearsFrame("some pongs", ws.OpPong, "flood")
		}
		c.hearsNothing("but no flood")
		time.Sleep(time.Second)
		c.login("ana@example.org/1")
	})
}

func TestCloseIsEchoed(t *testing.T) { // RFC 6455, sections 5.5.1 and 7.4
	for _, row := range []struct {
		name, payload string
		code          ws.StatusCode
	}{
		{"without a code", "", 1000},
		{"normal", "\x03\xe8", 1000},
		{"going away, with a reason", "\x03\xe9bye é", 1001},
		{"of an application", "\x0f\xa0", 4000},
		{"half a code", "\x03", 1002},
		{"reserved 1005", "\x03\xed", 1002},
		{"reserved 1006", "\x03\xee", 1002},
		{"reserved 1015", "\x03\xf7", 1002},
		{"code 999", "\x03\xe7", 1002},
		{"code 0", "\x00\x00", 1002},
		{"unassigned 1100", "\x04\x4c", 1002},
		{"code 65535", "\xff\xff", 1002},
		{"reason that is no UTF-8", "\x03\xe8\xff", 1002},
	} {
		t.Run(row.name, func(t *testing.T) {
			inMemory(t, Config{}, func(t *testing.T, e *fixture) {
				ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
				for _, c := range []*client{e.upgraded(), e.login("eve@example.org/1")} {
					c.write(append(frame(ws.OpClose, row.payload), frame(ws.OpText, `{"state":"new"}`)...))
					c.ends(row.name, row.code)
				}
				if n := e.board.len(); n != 2 { // L-FIN-04
					t.Errorf("%d have a place", n)
				}
				ana.greets("nothing happened", rui)
			})
		})
	}
}

// A client may choose its close code; it must not thereby choose how many metrics
// there are.
func TestCloseCodesAreCountedTogether(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		before := series(e.metrics.closes)
		for i := range 50 {
			c := e.upgraded()
			c.write(frame(ws.OpClose, string(ws.NewCloseFrameBody(ws.StatusCode(4000+i), ""))))
			c.ends("a code of its own", ws.StatusCode(4000+i))
		}
		if n := series(e.metrics.closes) - before; n != 1 {
			t.Errorf("%d more series for close codes", n)
		}
	})
}
