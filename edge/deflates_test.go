package edge

import (
	"crypto/rand"
	"encoding/hex"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"
)

func TestOnlyLongMessagesAreCompressed(t *testing.T) {
	inMemory(t, Config{Compression: Compression{Level: 5}}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.loginAgreed("rui@example.org/1")
		random := make([]byte, 2000)
		_, _ = rand.Read(random)
		counts := e.compression.counts
		for _, row := range []struct {
			name, content         string
			compressed            int32
			small, incompressible int
		}{
			{"short", strings.Repeat("x", 100), 0, 1, 0},
			{"long", strings.Repeat("x", 1000), 1, 0, 0},
			{"in hexadecimal", hex.EncodeToString(random), 1, 0, 0},
		} {
			before, small := rui.compressed.Load(), counted(t, counts.small)
			envelope := `{"from":"ana@example.org/1","to":"rui@example.org/1","type":"text/plain","content":"` + row.content + `"}`
			ana.says(envelope)
			rui.hearsFrame(row.name, ws.OpText, envelope)
			if n := rui.compressed.Load() - before; n != row.compressed {
				t.Errorf("%s: %d are compressed", row.name, n)
			}
			if n := counted(t, counts.small) - small; n != row.small {
				t.Errorf("%s: %d count as small", row.name, n)
			}
		}
		if plain, deflated := counted(t, counts.sent.plain), counted(t, counts.sent.deflated); plain < 5000 || deflated > plain/2+500 {
			t.Errorf("%d bytes are sent as %d", plain, deflated)
		}
	})
}

func TestIncompressibleMessagesAreSentAsTheyAre(t *testing.T) {
	k := newCompression(Compression{Level: 9, Threshold: 1}, 1, newMetrics(nil).compression)
	random := make([]byte, 2000)
	_, _ = rand.Read(random)
	if k.deflate(random) != nil {
		t.Error("it is compressed")
	}
	if n := counted(t, k.counts.incompressible); n != 1 {
		t.Errorf("%d are counted", n)
	}
	if k.deflate(make([]byte, 2000)) == nil {
		t.Error("what compressed it is lost")
	}
}

// However many compress at once, only so much memory is used for it; the others send their messages
// as they are.
func TestCompressorsAreBounded(t *testing.T) {
	for level := 1; level <= 9; level++ {
		const most = 4
		k := newCompression(Compression{Level: level, Threshold: 1, Compressors: most}, 2, newMetrics(nil).compression)
		message := envelopeOf(16 << 10)
		before := heap()
		var held []*deflater
		for range 100 {
			if d := k.deflate(message); d != nil {
				held = append(held, d)
			}
		}
		if len(held) != most {
			t.Errorf("level %d: %d messages are being compressed at once", level, len(held))
		}
		if n := counted(t, k.counts.busy); n != 100-most {
			t.Errorf("level %d: %d found nobody to compress them", level, n)
		}
		for _, d := range held {
			k.done(d)
		}
		used := (heap() - before) / most
		t.Logf("level %d: %d KiB for each", level, used>>10)
		if used > 1500<<10 {
			t.Errorf("level %d: one takes %d bytes", level, used)
		}
		var many sync.WaitGroup
		for range 50 {
			many.Go(func() {
				for range 3 {
					k.done(k.deflate(message))
				}
			})
		}
		many.Wait()
		if after := (heap() - before) / most; after > used+100<<10 {
			t.Errorf("level %d: %d bytes, and after many messages %d", level, used, after)
		}
		runtime.KeepAlive(k)
	}
}

// A session that agreed on compression has nothing of it while it is idle.
func TestIdleSessionsCompressNothing(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		ana := e.loginAgreed("ana@example.org/1")
		for range 3 {
			ana.saysCompressed(`{"to":"ana@example.org/1","type":"text/plain","content":"` + strings.Repeat("x", 5000) + `"}`)
			ana.hears("it comes back", `{"type":"text/plain"}`)
		}
		synctest.Wait()
		if n := len(e.compression.deflaters); n != cap(e.compression.deflaters) {
			t.Errorf("%d of %d compressors are back", n, cap(e.compression.deflaters))
		}
		if n := len(e.compression.inflaters); n != cap(e.compression.inflaters) {
			t.Errorf("%d of %d are back that inflate", n, cap(e.compression.inflaters))
		}
		for _, c := range e.clients() {
			if !c.packs || c.passing != nil || c.special != nil {
				t.Errorf("%+v and %+v are held", c.passing, c.special)
			}
		}
	})
}

// Others deliver at any time, also while a message comes that the client has compressed.
func TestDeliveriesWhileACompressedMessageComes(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		ana := e.loginAgreed("ana@example.org/1")
		synctest.Wait()
		var others sync.WaitGroup
		for _, c := range e.clients() {
			others.Go(func() {
				for range 50 {
					must(t, c.Deliver([]byte(`{"type":"text/plain","content":"from somebody"}`)))
				}
			})
		}
		for range 20 {
			ana.saysCompressed(`{"id":"1","method":"get","uri":"/ping"}`)
		}
		others.Wait()
	})
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestDeflateDoesNotAllocate(t *testing.T) {
	k := newCompression(Compression{Level: 5, Threshold: 1}, 1, newMetrics(nil).compression)
	message := envelopeOf(1 << 10)
	k.done(k.deflate(message))
	if n := testing.AllocsPerRun(100, func() { k.done(k.deflate(message)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	d := newDeflater(5)
	d.compress(message)
	var i inflater
	inflate := func() {
		if _, err := i.inflate(d.out.Bytes(), len(message)); err != nil {
			t.Error(err)
		}
	}
	inflate()
	if n := testing.AllocsPerRun(100, inflate); n != 0 {
		t.Errorf("%v allocations to inflate", n)
	}
}
