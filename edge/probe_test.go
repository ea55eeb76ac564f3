package edge

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// proof is the payload that proves.
func proof(n uint32) string {
	return string(binary.BigEndian.AppendUint32([]byte{probeMark}, n))
}

// hearsPing takes the next frame, which the client has answered by then, unless it is
// silent.
func (c *client) hearsPing(sentence, payload string) {
	c.t.Helper()
	select {
	case f := <-c.in:
		if f.Header.OpCode != ws.OpPing || string(f.Payload) != payload {
			c.t.Fatalf("%s: a frame %d came, %q", sentence, f.Header.OpCode, f.Payload)
		}
	case <-time.After(patience):
		c.t.Fatalf("%s: nothing came", sentence)
	}
}

func TestPongBehindWhatWasDeliveredProvesIt(t *testing.T) { // P4
	each(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		to, place := e.board.recipient(ana.node), e.board.place(ana.node)
		for n := range uint32(3) {
			for range 3 {
				must(t, to.Deliver([]byte(message200)))
			}
			must(t, to.Probe(n+1))
			to.Flush()
			for range 3 {
				ana.hears("what was delivered", `{"type":"text/plain"}`)
			}
			ana.hearsPing("and then the probe", proof(n+1))
			ana.greets("the pong was taken before this", ana)
		}
		if got := place.proved(); !slices.Equal(got, []uint32{1, 2, 3}) {
			t.Errorf("proved: %v", got)
		}
	})
}

func TestPongsThatProveNothing(t *testing.T) {
	d := established(t)
	c := &conn{session: d.session}
	wantProved := func(sentence string, payload string, want ...uint32) {
		t.Helper()
		c.ponged([]byte(payload))
		if !slices.Equal(d.member.proved, want) {
			t.Errorf("%s: proved %v, not %v", sentence, d.member.proved, want)
		}
	}
	wantProved("no probe was sent", proof(1))
	c.probed.Store(5)
	wantProved("as browsers and .NET send it unasked, and to pings for the silent", "")
	for _, payload := range []string{"p", "p\x00\x00\x00", "p\x00\x00\x00\x01\x00", "q\x00\x00\x00\x01", "\x00\x00\x00\x01", "P\x00\x00\x00\x01"} {
		wantProved("no probe's payload", payload)
	}
	wantProved("before the first", proof(0))
	wantProved("a probe that is yet to come", proof(6))
	wantProved("far behind", proof(1<<32-1))
	wantProved("a proof of the earlier ones, too", proof(3), 3)
	wantProved("an old one", proof(2), 3)
	wantProved("the same again", proof(3), 3)
	wantProved("the last", proof(5), 3, 5)
	c.proved = 1<<32 - 2
	c.probed.Store(2) // numbers have wrapped around
	wantProved("before it", proof(1<<32-2), 3, 5)
	wantProved("yet to come", proof(3), 3, 5)
	wantProved("behind the end of numbers", proof(1), 3, 5, 1)
}

func TestProofDoesNotAllocate(t *testing.T) {
	d := established(t)
	d.session.member = null{}
	c := &conn{session: d.session}
	c.probed.Store(2)
	payload := []byte(proof(2))
	if n := testing.AllocsPerRun(100, func() { c.proved = 0; c.ponged(payload) }); n != 0 {
		t.Errorf("a proof costs %v allocations", n)
	}
}

func TestSessionThatIsNotEstablishedProvesNothing(t *testing.T) {
	d := newDialogue(t)
	c := &conn{session: d.session}
	c.probed.Store(1)
	c.ponged([]byte(proof(1)))
	c.session.drained()
	d = established(t)
	d.session.stop()
	d.session.proved(1)
	d.session.drained()
	if len(d.member.proved) != 0 || d.member.drained != 0 {
		t.Error("after the end")
	}
}

func TestPingForTheSilentProvesNothing(t *testing.T) { // L-TRN-09
	inMemory(t, Config{PingInterval: 30 * time.Second}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		place := e.board.place(ana.node)
		ana.silent.Store(true)
		must(t, e.board.recipient(ana.node).Probe(1))
		e.board.recipient(ana.node).Flush()
		ana.hearsPing("the probe, unanswered", proof(1))
		ana.silent.Store(false)
		time.Sleep(31 * time.Second)
		ana.hearsPing("the ping", "")
		ana.greets("the pong was taken before this", ana)
		if got := place.proved(); len(got) != 0 {
			t.Errorf("proved: %v", got)
		}
	})
}

func TestRoutingHearsOnceThatAFullQueueIsEmpty(t *testing.T) {
	inMemory(t, Config{SendQueue: 4096}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		to, place := e.board.recipient(ana.node), e.board.place(ana.node)
		ana.stall()
		full := func(queue func() error) {
			t.Helper()
			var err error
			for n := 0; err == nil && n < 10_000; n++ {
				err = queue()
				to.Flush()
			}
			if !errors.Is(err, ErrQueueFull) {
				t.Errorf("a full queue: %v", err)
			}
			synctest.Wait()
		}
		full(func() error { return to.Deliver([]byte(message200)) })
		full(func() error { return to.Probe(1) })
		if n := place.queueEmptied(); n != 0 {
			t.Errorf("told %d times to be empty while it is full", n)
		}
		ana.goOn()
		synctest.Wait()
		if n := place.queueEmptied(); n != 1 {
			t.Errorf("told %d times to be empty", n)
		}
		must(t, to.Probe(2))
		to.Flush()
		synctest.Wait()
		if got := place.proved(); !slices.Contains(got, 2) {
			t.Errorf("proved: %v", got)
		}
		if n := place.queueEmptied(); n != 1 {
			t.Errorf("told %d times to be empty, although it never was full again", n)
		}
	})
}

// A client that takes nothing is cut, whatever is queued for it all the time.
func TestStalledReaderIsCutAlthoughItIsProbed(t *testing.T) { // L-TRN-11, P8
	inMemory(t, Config{SendQueue: 64 << 10, PingInterval: 30 * time.Second, StallTimeout: 30 * time.Second}, func(t *testing.T, e *fixture) {
		e.login("ana@example.org/1")
		eve := e.login("eve@example.org/1")
		to := e.board.recipient(eve.node)
		eve.stall()
		began := time.Now()
		content := []byte(`{"type":"text/plain","content":"` + strings.Repeat("x", 1000) + `"}`)
		for n := uint32(1); e.Connections() == 2; n++ {
			for range 4 { // more than fits in the end
				_ = to.Deliver(content)
			}
			_ = to.Probe(n)
			to.Flush()
			eve.write(frame(ws.OpPong, "")) // it is not silent
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if took := time.Since(began); took < 30*time.Second || took > 91*time.Second {
			t.Errorf("eve is cut after %v", took)
		}
		if n := counted(t, e.metrics.stalls); n != 1 {
			t.Errorf("%d stalls are counted", n)
		}
	})
}
