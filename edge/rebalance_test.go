package edge

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// neighbors are Peers.
type neighbors struct {
	mu    sync.Mutex
	loads func() []Load
}

// Loads is that of Peers.
func (n *neighbors) Loads() []Load {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.loads()
}

func (n *neighbors) are(loads func() []Load) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loads = loads
}

// crowd begins sessions on an edge with one neighbor, to which those go that leave.
func crowd(t *testing.T, sessions int, test func(e *fixture, n *neighbors, clients []*client)) {
	t.Helper()
	n := &neighbors{loads: func() []Load { return nil }}
	inMemory(t, Config{Peers: n}, func(_ *testing.T, e *fixture) {
		var clients []*client
		for i := range sessions {
			clients = append(clients, e.login(fmt.Sprintf("c%d@example.org/1", i)))
		}
		e.connect() // a stranger is no session
		n.are(func() []Load { return loads(sessions - e.Sessions()) })
		synctest.Wait()
		test(e, n, clients)
	})
}

func TestSurplusMovesToANewEdge(t *testing.T) { // P7
	crowd(t, 260, func(e *fixture, _ *neighbors, clients []*client) {
		time.Sleep(steadyTime)
		if n := e.Sessions(); n != len(clients) {
			t.Errorf("%d are left before the numbers are steady", n)
		}
		began := e.Sessions()
		time.Sleep(5 * time.Second)
		// Eight are picked in each of four to six looks, and a few of them twice, or the stranger.
		if n := began - e.Sessions(); n < 28 || n > 48 {
			t.Errorf("%d have gone in 5 s", n)
		}
		if n := counted(t, e.metrics.surplus); n < 80 || n > 110 {
			t.Errorf("%d are said to be above the mean", n)
		}
		time.Sleep(10 * time.Minute)
		left := e.Sessions()
		if left < 130 || left > 137 {
			t.Errorf("%d are left", left)
		}
		if n := counted(t, e.metrics.rebalanced); n != len(clients)-left {
			t.Errorf("%d are counted, %d are left", n, left)
		}
		if n := counted(t, e.metrics.surplus); n != 0 {
			t.Errorf("%d are still said to be above the mean", n)
		}
		finished := 0
		for _, c := range clients {
			for ended := false; len(c.in) > 0 && !ended; {
				f, ok := <-c.in
				ended = !ok
				if ok && match(f.Payload, `{"state":"finished","reason":null}`) == nil {
					finished++
				}
			}
		}
		if finished != len(clients)-left {
			t.Errorf("%d of %d are told so", finished, len(clients)-left)
		}
	})
}

func TestSurplusStaysWhenAMemberIsLost(t *testing.T) {
	crowd(t, 260, func(e *fixture, n *neighbors, _ []*client) {
		time.Sleep(steadyTime + 5*time.Second)
		before := e.Sessions()
		n.are(func() []Load { return nil })
		synctest.Wait()
		time.Sleep(10 * time.Minute)
		if got := e.Sessions(); before == 260 || before-got > 8 {
			t.Errorf("%d of %d are left", got, before)
		}
	})
}

func TestMovedSessionHasTimeToAcknowledge(t *testing.T) {
	crowd(t, 260, func(e *fixture, _ *neighbors, clients []*client) {
		for _, c := range clients {
			e.board.place(c.node).owe()
		}
		time.Sleep(steadyTime + 10*time.Second)
		if n, s := e.Sessions(), counted(t, e.metrics.settling); n != 260 || s < 10 {
			t.Errorf("%d are left and %d settle", n, s)
		}
		time.Sleep(moveTime)
		if n, s := e.Sessions(), counted(t, e.metrics.unsettled); n == 260 || n+s != 260 {
			t.Errorf("%d are left and %d had to go", n, s)
		}
		done := e.shutdown(20 * time.Second)
		<-done
	})
}
