package edge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"limegrove/prepared"
)

// runOf returns n envelopes with numbers, for many.
func runOf(n, size int) *prepared.Run {
	r := new(prepared.Run)
	r.Reset(2)
	for i := range n {
		r.Add(fmt.Appendf(nil, `{"type":"text/plain","content":"%d%s"}`, i, strings.Repeat("x", size)))
	}
	return r
}

// wantHeard has connections be given a run, and their clients say what comes.
func wantHeard(t *testing.T, e *fixture, r *prepared.Run, nodes []string, hears func(node, what, envelope string)) {
	t.Helper()
	for _, node := range nodes {
		to := e.board.recipient(node)
		if n, err := to.(*conn).Hear(r, 0, r.Len()); n != r.Len() || err != nil {
			t.Errorf("%s: %d of %d are queued: %v", node, n, r.Len(), err)
		}
		to.Flush()
	}
	for i := range r.Len() {
		for _, node := range nodes {
			hears(node, "in order", string(r.Envelope(i)))
		}
	}
}

func TestEnvelopesForManyAreCompressedOnce(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		clients := map[string]*client{}
		nodes := make([]string, 6)
		for i := range nodes {
			nodes[i] = fmt.Sprintf("ana@example.org/%d", i)
			if i%2 == 0 {
				clients[nodes[i]] = e.login(nodes[i])
			} else {
				clients[nodes[i]] = e.loginAgreed(nodes[i])
			}
		}
		synctest.Wait()
		sent := e.metrics.compression.sent.messages
		before := counted(t, sent)
		const envelopes = 5
		wantHeard(t, e, runOf(envelopes, 300), nodes, func(node, what, envelope string) {
			clients[node].hears(what, envelope)
		})
		if n := counted(t, sent) - before; n != envelopes {
			t.Errorf("%d envelopes for %d clients that compress are compressed %d times", envelopes, len(nodes)/2, n)
		}
		synctest.Wait()
		if n := len(e.compression.deflaters); n != cap(e.compression.deflaters) {
			t.Errorf("%d of %d compressors are back", n, cap(e.compression.deflaters))
		}
	})
}

func TestEnvelopesForManyOverTCP(t *testing.T) {
	eachTCP(t, Config{}, func(t *testing.T, e *fixture) {
		nodes := []string{"ana@example.org/1", "ana@example.org/2"}
		ana, rui := e.tcpLogin(nodes[0]), e.tcpLogin(nodes[1])
		wantHeard(t, e, runOf(5, 300), nodes, func(node, what, envelope string) {
			map[string]*tcpClient{nodes[0]: ana, nodes[1]: rui}[node].hears(what, envelope)
		})
	})
}

func TestForOneNothingIsMadeForOthers(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		c := e.login("ana@example.org/1")
		r := prepared.One(1, []byte(message200))
		wantHeard(t, e, r, []string{c.node}, func(_, what, envelope string) { c.hears(what, envelope) })
		if f := r.Form(inFrames); f != nil {
			t.Errorf("%v is kept", f)
		}
	})
}

func TestWhatDoesNotFitAQueueIsTold(t *testing.T) { // P8
	inMemory(t, Config{SendQueue: 4096}, func(t *testing.T, e *fixture) {
		c, other := e.login("ana@example.org/1"), e.login("ana@example.org/2")
		to := e.board.recipient(c.node).(*conn)
		c.stall()
		r := runOf(10, 1000)
		queued := 0
		for {
			n, err := to.Hear(r, 0, r.Len())
			queued += n
			to.Flush()
			if errors.Is(err, ErrQueueFull) {
				break
			}
			must(t, err)
		}
		if waiting := to.socket.Queued(); waiting > 4096 {
			t.Errorf("%d bytes wait", waiting)
		}
		wantHeard(t, e, runOf(3, 1000), []string{other.node}, func(_, what, envelope string) { other.hears(what, envelope) })
		c.goOn()
		for i := range queued {
			c.hears("what was queued", string(r.Envelope(i%r.Len())))
		}
		c.hearsNothing("and no more")
	})
}
