package edge

import (
	"bytes"
	"compress/flate" // another one than the edge's
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

func TestCompressedConversation(t *testing.T) {
	cfg := compressing
	cfg.SendQueue = 1 << 20
	each(t, cfg, func(t *testing.T, e *fixture) {
		ana, rui, lia := e.loginAgreed("ana@example.org/1"), e.loginAgreed("rui@example.org/1"), e.login("lia@example.org/1")
		message := func(to, content string) string {
			return `{"from":"ana@example.org/1","to":"` + to + `@example.org/1","type":"text/plain","content":"` + content + `"}`
		}
		for _, n := range []int{10, 1000, 30_000} {
			for range 3 { // nothing is remembered
				long := strings.Repeat("the same again and ", n/19+1)
				ana.saysCompressed(message("rui", long))
				rui.hearsFrame("compressed", ws.OpText, message("rui", long))
				ana.says(message("rui", long))
				rui.hearsFrame("of a client that did not care to", ws.OpText, message("rui", long))
				ana.saysCompressed(message("lia", long))
				lia.hearsFrame("for one who cannot", ws.OpText, message("lia", long))
			}
		}
		if n := rui.compressed.Load(); n != 12 { // the short ones would get longer
			t.Errorf("%d messages are compressed", n)
		}
		lia.greets("from one who cannot", rui)
		ana.saysCompressed(`{"id":"$id","state":"finishing"}`)
		ana.hears("the end", `{"state":"finished"}`)
		ana.ends("the end", 1000)
	})
}

// Control frames may come within a message, whose first frame alone says that it is compressed. RFC 7692,
// section 6.1.
func TestCompressedFragments(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		ana, rui := e.loginAgreed("ana@example.org/1"), e.loginAgreed("rui@example.org/1")
		message := `{"from":"ana@example.org/1","to":"rui@example.org/1","type":"text/plain","content":"` + strings.Repeat("one and two ", 50) + `"}`
		b := string(deflated(message))
		for cut := range len(b) + 1 {
			first := compile(ws.Header{Rsv: 4, OpCode: ws.OpText, Masked: true, Length: int64(cut)}, b[:cut])
			ana.write(append(first, frame(ws.OpPing, "x")...))
			ana.hearsFrame("a ping within", ws.OpPong, "x")
			ana.write(append(part(ws.OpContinuation, false, ""), part(ws.OpContinuation, true, b[cut:])...))
			rui.hearsFrame("it is whole", ws.OpText, message)
		}
		ana.write(append(part(ws.OpText, false, message[:7]), part(ws.OpContinuation, true, message[7:])...))
		rui.hearsFrame("one that is not compressed", ws.OpText, message)
	})
}

// Messages are a stream of envelopes, compressed or not: L-TRN-04.
func TestCompressedPiecesOfEnvelopes(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		ana, rui := e.loginAgreed("ana@example.org/1"), e.loginAgreed("rui@example.org/1")
		message := `{"from":"ana@example.org/1","to":"rui@example.org/1","type":"text/plain","content":"x"}`
		ana.saysCompressed(message + " " + message + message[:20])
		ana.says(message[20:])
		for range 3 {
			rui.hearsFrame("each by itself", ws.OpText, message)
		}
	})
}

// A client may end its messages with a final block, and more than once. RFC 7692, section 7.2.3.4.
func TestMessagesWithFinalBlocks(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		ana, rui := e.loginAgreed("ana@example.org/1"), e.loginAgreed("rui@example.org/1")
		message := `{"from":"ana@example.org/1","to":"rui@example.org/1","type":"text/plain","content":"` + strings.Repeat("final ", 500) + `"}`
		final := func(text string) string {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, 6)
			_, _ = io.WriteString(w, text)
			_ = w.Close()
			return b.String()
		}
		ana.write(compressedAs([]byte(final(message) + "\x00")))
		rui.hearsFrame("one", ws.OpText, message)
		ana.write(compressedAs([]byte(final(message[:500]) + final(message[500:]) + "\x00")))
		rui.hearsFrame("two", ws.OpText, message)
		ana.write(compressedAs([]byte(final(message[:500]) + string(deflated(message[500:])))))
		rui.hearsFrame("one in the middle", ws.OpText, message)
		ana.write(compressedAs([]byte(final(message) + strings.Repeat(final(""), 20) + "\x00")))
		ana.hearsFailed("but not without end", 21, 1007)
	})
}
