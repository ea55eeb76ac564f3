package edge

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// noise is a text of so many bytes that hardly gets shorter.
func noise(n int) string {
	b := make([]byte, n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return base64.StdEncoding.EncodeToString(b)[:n]
}

// A worker inflates what is long; what comes behind it waits, and others do not.
func TestLongMessagesKeepTheirOrder(t *testing.T) {
	cfg := compressing
	cfg.SendQueue = 1 << 20
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		rui, eve, ana := e.login("rui@example.org/1"), e.loginAgreed("eve@example.org/1"), e.login("ana@example.org/1")
		long := noise(30_000)
		var all []byte
		for i := range 20 {
			text := "short"
			if i%3 == 0 {
				text = long
			}
			m := compressed(fmt.Sprintf(`{"id":"%d","to":"rui@example.org/1","type":"text/plain","content":"%s"}`, i, text))
			if i%3 == 0 && len(m) <= longDeflated {
				t.Fatalf("%d bytes are not long", len(m))
			}
			all = append(all, m...)
		}
		eve.write(all)
		for i := range 20 {
			rui.hears("it comes in order", fmt.Sprintf(`{"id":"%d"}`, i))
		}
		eve.greets("the session goes on", ana)
	})
}

// While no worker has time, the client waits and others do not.
func TestOthersDoNotWaitForWhatIsInflated(t *testing.T) {
	cfg := compressing
	cfg.SendQueue = 1 << 20
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		rui, eve, ana := e.login("rui@example.org/1"), e.loginAgreed("eve@example.org/1"), e.login("ana@example.org/1")
		var busy []chan struct{}
		for range e.inflating.max {
			until := make(chan struct{})
			busy = append(busy, until)
			e.inflating.do(func(*worker) { <-until })
		}
		synctest.Wait()
		m := compressed(`{"id":"long","to":"rui@example.org/1","type":"text/plain","content":"` + noise(100_000) + `"}`)
		eve.write(append(m, compressed(`{"id":"next","to":"rui@example.org/1","type":"text/plain","content":"x"}`)...))
		synctest.Wait()
		rui.hearsNothing("a worker has no time yet")
		ana.greets("others go on", rui)
		for _, until := range busy {
			close(until)
		}
		rui.hears("the long one", `{"id":"long","from":"eve@example.org/1"}`)
		rui.hears("and the next one", `{"id":"next"}`)
	})
}

// What too many wait for is not taken from its client, for as long as that takes.
func TestLongMessagesWaitForAPlace(t *testing.T) {
	cfg := compressing
	cfg.SendQueue, cfg.UnfinishedTimeout = 1<<20, time.Second
	inMemory(t, cfg, func(t *testing.T, e *fixture) {
		ana, rui, eve := e.login("ana@example.org/1"), e.login("rui@example.org/1"), e.loginAgreed("eve@example.org/1")
		places := e.compression.aside
		for range cap(places) {
			places <- struct{}{}
		}
		m := deflated(`{"id":"long","to":"rui@example.org/1","type":"text/plain","content":"` + noise(100_000) + `"}`)
		eve.write(compile(ws.Header{Rsv: 4, OpCode: ws.OpText, Masked: true, Length: longDeflated}, string(m[:longDeflated])))
		eve.write(part(ws.OpContinuation, true, string(m[longDeflated:])))
		time.Sleep(20 * time.Second)
		rui.hearsNothing("there is no place")
		if len(e.inflating.queue)+e.inflating.running > 0 {
			t.Error("somebody inflates it")
		}
		ana.greets("others go on", rui)
		<-places
		rui.hears("it", `{"id":"long"}`)
		eve.write(compressed(`{"id":"next","to":"rui@example.org/1","type":"text/plain","content":"` + noise(100_000) + `"}`))
		rui.hears("its place is the next one's", `{"id":"next"}`)
		synctest.Wait()
		if n := cap(places) - len(places); n != 1 {
			t.Errorf("%d places are left", n)
		}
	})
}

func TestBadLongMessagesEndTheirSession(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		ana, rui, eve := e.login("ana@example.org/1"), e.login("rui@example.org/1"), e.loginAgreed("eve@example.org/1")
		bad := deflated(`{"id":"long","to":"rui@example.org/1","type":"text/plain","content":"` + noise(100_000) + `"}`)
		bad[0] |= 0x06 // a type of block that there is not: RFC 1951, section 3.2.3
		eve.write(compressedAs(bad))
		eve.hearsFailed("it cannot be inflated", 21, 1007)
		ana.greets("nothing happened", rui)
	})
}
