package edge

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"limegrove/edge/poll"
	"limegrove/lime"
)

// recipient is where routing delivers for a node.
func (b *switchboard) recipient(node string) Recipient { return b.place(node).to }

func TestMessagesOfOneSenderStayInOrder(t *testing.T) { // L-MSG-11
	// A queue that holds them all: what does not fit would be dropped.
	each(t, Config{EnvelopeRate: -1, SendQueue: 64 << 10}, func(_ *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		var batch []byte
		for i := range 500 {
			batch = append(batch, frame(0x1, fmt.Sprintf(`{"id":"%d","to":"rui@example.org","type":"text/plain","content":"x"}`, i))...)
		}
		ana.write(batch)
		for i := range 500 {
			rui.hears("in order", fmt.Sprintf(`{"id":"%d","from":"ana@example.org/1"}`, i))
		}
	})
}

// What is delivered while a session ends comes before finished, or not at all.
func TestNothingFollowsFinished(t *testing.T) { // L-FIN-03
	each(t, Config{SendQueue: 2048}, func(t *testing.T, e *fixture) {
		for range 6 {
			c := e.login("ana@example.org/1")
			to := e.board.recipient("ana@example.org/1")
			var delivering sync.WaitGroup
			for range 2 {
				delivering.Go(func() {
					for {
						err := to.Deliver([]byte(`{"type":"text/plain","content":"x"}`))
						if errors.Is(err, ErrQueueFull) {
							runtime.Gosched()
						} else if err != nil {
							return
						}
						to.Flush()
					}
				})
			}
			c.hears("a message", `{"content":"x"}`)
			c.says(`{"id":"$id","state":"finishing"}`)
			for f := c.next("finished"); ; f = c.next("finished") {
				if f == nil {
					t.Fatalf("the end came before finished: %v", c.err)
				}
				if match(f.Payload, `{"state":"finished"}`) == nil {
					break
				}
			}
			c.ends("right after finished", 1000)
			_ = c.nc.Close()
			delivering.Wait()
		}
	})
}

func TestDeliverSaysWhyNot(t *testing.T) {
	inMemory(t, Config{SendQueue: 4096}, func(t *testing.T, e *fixture) {
		c := e.login("ana@example.org/1")
		to := e.board.recipient("ana@example.org/1")
		if err := to.Deliver(make([]byte, maxFrame+1)); !errors.Is(err, poll.ErrTooLong) {
			t.Errorf("a frame longer than clients take: %v", err)
		}
		c.stall()
		var err error
		for range 10 {
			err = errors.Join(err, to.Deliver(make([]byte, 1000)))
		}
		if !errors.Is(err, ErrQueueFull) {
			t.Errorf("a full queue: %v", err)
		}
		_ = c.nc.Close()
		c.goOn()
		for range c.in {
		}
		c.hearsNothing("it has ended")
		if err := to.Deliver([]byte(`{}`)); !errors.Is(err, poll.ErrClosed) {
			t.Errorf("a client that is gone: %v", err)
		}
		to.Flush()
		to.End(lime.NewReason(lime.CodeSessionRegistrationError, "A newer session has this node"))
	})
}

// By default at most 40 KiB wait for one client, and an envelope of any length passes when
// nothing else does.
func TestWhatWaitsForAClientIsBounded(t *testing.T) { // P8
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		eve := e.login("eve@example.org/1")
		to := e.board.recipient(eve.node)
		long := []byte(`{"type":"text/plain","content":"` + strings.Repeat("x", 500<<10) + `"}`)
		synctest.Wait() // nothing else waits
		must(t, to.Deliver(long))
		to.Flush()
		eve.hears("the long one", `{"type":"text/plain"}`)
		eve.stall()
		bytes := 0
		for err := error(nil); err == nil; bytes += len(message200) {
			err = to.Deliver([]byte(message200))
		}
		if bytes < 36<<10 || bytes > 41<<10 {
			t.Errorf("%d bytes wait", bytes)
		}
		if err := to.Deliver(long); !errors.Is(err, ErrQueueFull) {
			t.Errorf("a long one, behind others: %v", err)
		}
		to.Flush()
		if waiting := to.(*conn).socket.Queued(); waiting > 40<<10 {
			t.Errorf("%d bytes wait", waiting)
		}
	})
}

func TestNewerSessionReplacesTheOlder(t *testing.T) { // L-SES-21
	each(t, Config{}, func(_ *testing.T, e *fixture) {
		older := e.login("ana@example.org/Home")
		newer := e.login("ANA@example.org/home")
		older.hearsFailed("the older one", 12, 1000)
		newer.greets("the newer one is reached", newer)
	})
}

func TestLostConnectionLeavesItsPlace(t *testing.T) { // L-FIN-04
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		_ = rui.nc.Close()
		ana.hearsNothing("nothing yet")
		if n, s := e.board.len(), e.Sessions(); n != 1 || s != 1 {
			t.Errorf("%d places and %d sessions are left", n, s)
		}
		ana.says(`{"id":"m","to":"rui@example.org/1","type":"text/plain","content":"x"}`)
		ana.hears("nobody is there", `{"id":"m","event":"failed","reason":{"code":42}}`)
		if c, s := counted(t, e.metrics.connections), counted(t, e.metrics.sessions); c != 1 || s != 1 {
			t.Errorf("%d connections and %d sessions are counted", c, s)
		}
	})
}

func TestWrongPasswordEndsTheSession(t *testing.T) { // L-SES-15
	each(t, Config{}, func(_ *testing.T, e *fixture) {
		for password, right := range map[string]bool{"czNjcmV0": true, "d3Jvbmc=": false} {
			c := e.upgraded()
			c.says(`{"state":"new"}`)
			c.hears("schemes", `{"schemeOptions":["guest","plain"]}`)
			c.says(`{"id":"$id","from":"ana@example.org/1","state":"authenticating","scheme":"plain","authentication":{"password":"` + password + `"}}`)
			if right {
				c.hears("the right one", `{"id":"$id","state":"established","to":"ana@example.org/1"}`)
			} else {
				c.hearsFailed("a wrong one", 13, 1000)
			}
		}
	})
}

func TestFinishOverEveryTransport(t *testing.T) { // L-FIN-01, L-FIN-02, L-FIN-07
	each(t, Config{}, func(_ *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		bye := ana.text(`{"to":"rui@example.org/1","type":"text/plain","content":"bye"}{"id":"$id","state":"finishing"}{"id":"$id","state":"finishing"}`)
		ana.says(bye)
		rui.hears("the last message", `{"content":"bye"}`)
		ana.hears("finished", `{"id":"$id","from":"`+server+`","to":"ana@example.org/1","state":"finished"}`)
		ana.ends("and closed", 1000)
	})
}
