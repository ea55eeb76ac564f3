package edge

import (
	"bytes"
	"compress/flate" // another one than the edge's
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

func TestBadCompressedInput(t *testing.T) {
	const limit = 10_000
	message := func(n int) string {
		return `{"id":"c","method":"get","uri":"/ping","x":"` + strings.Repeat(" ", n-46) + `"}`
	}
	first := func(payload []byte) []byte {
		return compile(ws.Header{Rsv: 4, OpCode: ws.OpText, Masked: true, Length: int64(len(payload))}, string(payload))
	}
	random := make([]byte, limit)
	_, _ = rand.Read(random)
	for _, bad := range []badInput{
		{"a ping that is compressed", sends(compile(ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpPing, Masked: true}, "")), 21, 1002},
		{"a close frame that is", sends(compile(ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpClose, Masked: true}, "")), 21, 1002},
		{"a continuation that is", sends(append(first(deflated("{")), compile(ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpContinuation, Masked: true}, "")...)), 21, 1002},
		{"a continuation of nothing", sends(compile(ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpContinuation, Masked: true}, "")), 21, 1002},
		{"reserved bit 2 as well", sends(compile(ws.Header{Fin: true, Rsv: 6, OpCode: ws.OpText, Masked: true}, "")), 21, 1002},
		{"reserved bit 3 alone", sends(compile(ws.Header{Fin: true, Rsv: 1, OpCode: ws.OpText, Masked: true}, "")), 21, 1002},
		{"text within a message", sends(append(first(deflated("{")), compressed("{}")...)), 21, 1002},
		{"binary", sends(compile(ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpBinary, Masked: true}, "")), 21, 1003},
		{"nothing", sends(compressedAs(nil)), 21, 1007},
		{"what is not compressed", sends(compressedAs([]byte(`{"state":"new"}`))), 21, 1007},
		{"an unknown block", sends(compressedAs([]byte{0x07, 0x00})), 21, 1007},
		{"a reference to before the message", sends(compressedAs([]byte{0x03, 0x43, 0x02, 0x00})), 21, 1007},
		{"invalid UTF-8", sends(compressed("{\"id\":\"\xff\",\"state\":\"new\"}")), 21, 1007},
		{"no JSON", sends(compressed("hello")), 21, 1000},
		{"one byte too many", sends(compressed(message(limit + 1))), 21, 1009},
		{"a bomb", sends(compressed(message(9 << 20))), 21, 1009},
		{"a bomb in fragments", func(c *client) {
			b := deflated(message(9 << 20))
			c.write(append(first(b[:10]), part(ws.OpContinuation, true, string(b[10:]))...))
		}, 21, 1009},
		{"a bomb that never ends", func(c *client) {
			c.write(first(deflated(message(9 << 20))[:100]))
			for range 200 {
				c.write(part(ws.OpContinuation, false, strings.Repeat("\x00", 100)))
			}
		}, 21, 1009},
		{"what is too long as it is sent", sends(compressedAs(append([]byte{0x00, 0x10, 0x27, 0xef, 0xd8}, random...))), 21, 1009},
	} {
		t.Run(bad.name, func(t *testing.T) {
			cfg := compressing
			cfg.MaxEnvelope = limit
			inMemory(t, cfg, func(t *testing.T, e *fixture) {
				ana, rui := e.loginAgreed("ana@example.org/1"), e.loginAgreed("rui@example.org/1")
				for _, c := range []*client{e.agreed(), e.loginAgreed("eve@example.org/1")} {
					bad.do(c)
					c.hearsFailed(bad.name, bad.reason, bad.code)
					ana.greets("nothing happened", rui)
				}
				eve := e.loginAgreed("eve@example.org/1")
				eve.saysCompressed(message(limit))
				eve.hears("the longest passes", `{"id":"c","method":"get","status":"success"}`)
			})
		})
	}
}

// What a client sends counts as what it becomes, and while it has sent too much, nothing more of it is
// inflated.
func TestFloodOfBombs(t *testing.T) {
	cfg := compressing
	cfg.ByteRate = 1 << 20
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		ana, rui, eve := e.login("ana@example.org/1"), e.login("rui@example.org/1"), e.loginAgreed("eve@example.org/1")
		bomb := compressed(`{"to":"rui@example.org/2","type":"text/plain","content":"` + strings.Repeat(" ", 512<<10-100) + `"}`)
		go eve.write(bytes.Repeat(bomb, 100))
		inflatedBytes := func() int { return counted(t, e.compression.counts.received.plain) }
		began := inflatedBytes()
		synctest.Wait()
		if n := inflatedBytes() - began; n < 1<<20 || n > 3<<20 {
			t.Errorf("%d bytes are inflated at once", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := inflatedBytes() - began; n < 10<<20 || n > 14<<20 {
			t.Errorf("%d bytes are inflated in 10 s", n)
		}
		ana.greets("nothing happened", rui)
	})
}

// A message that takes long to inflate counts for its time.
func TestWhatTakesLongToInflate(t *testing.T) {
	var b bucket
	const rate = 4 << 20
	for now, taken := instant(1), 0; now < 100*instant(time.Second); now += instant(time.Millisecond) {
		if b.take(now, 0, rate) { // an hour of work is offered a second
			taken++
			b.charge(now, 60_000*inflateRate, rate) // a message of 60 ms
		}
		if most := int(now)*7/4/int(time.Second) + 5; taken > most {
			t.Fatalf("%d messages of 60 ms after %v", taken, time.Duration(now))
		}
	}
	if b.take(100*instant(time.Second), 0, rate) && b.full <= 100*instant(time.Second) {
		t.Error("nothing was charged")
	}
}

// FuzzInflate inflates what the standard library does, up to a bound.
func FuzzInflate(f *testing.F) {
	f.Add(deflated(`{"state":"new"}`))
	f.Add(deflated(strings.Repeat("x", 5000)))
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"))             // RFC 7692, section 7.2.3.4
	f.Add([]byte("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")) // section 7.2.3.3
	f.Add(uselessTables(2 << 10))
	f.Add([]byte{})
	const most = 2000
	var i inflater
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := i.inflate(b, most)
		if len(got) > most || cap(i.out) > 4*most {
			t.Fatalf("%d bytes, in %d", len(got), cap(i.out))
		}
		end := io.MultiReader(bytes.NewReader(b), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))
		r := &counting{r: end}
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(r), most+1))
		if wantErr == nil && len(want) <= most && r.n < len(b) {
			return // there are blocks behind a final one
		}
		switch {
		case wantErr != nil && err == nil:
			t.Errorf("%q: %q, and not %v", b, got, wantErr)
		case len(want) > most && !errors.Is(err, errInflated):
			t.Errorf("%q: %v", b, err)
		case wantErr == nil && len(want) <= most && err == nil && !bytes.Equal(got, want):
			t.Errorf("%q: %q, not %q", b, got, want)
		}
	})
}

// counting is an io.ByteReader, so that nothing is read ahead.
type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func (c *counting) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(c.r, b[:])
	if err == nil {
		c.n++
	}
	return b[0], err
}
