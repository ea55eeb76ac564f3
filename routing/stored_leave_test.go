package routing

import (
	"slices"
	"sync"
	"testing"

	"limegrove/lime"
)

// Redis has where a session has ended before it forgets the session: whoever comes next, on
// whatever edge, begins there. Promise P3.
func TestWhoComesNextBeginsWhereASessionHasEnded(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available)
	left := make(chan struct{}) // Redis takes no floor before
	var unregistered sync.Once
	known := make(chan uint64, 1) // the floor when it forgets the session
	w.registry.On(func(call string, n lime.Node) {
		switch {
		case call == "raise":
			<-left
		case call == "unregister" && n == rui.Node():
			unregistered.Do(func() { known <- w.floor(n.Identity) })
		}
	})
	ana.SayID("m", "rui@t.org", "once")
	rui.Want("it comes", "once")
	eventually(t, "it is acknowledged", func() bool { return slices.Contains(ana.Got(), "m dispatched") })
	floor := rui.floor()
	rui.Leave()
	eventually(t, "it is being unregistered", func() bool {
		a.registrar.mu.Lock()
		defer a.registrar.mu.Unlock()
		return len(a.registrar.leaving) == 0
	})
	close(left)
	if got := <-known; got < floor {
		t.Errorf("Redis forgets the session when its floor is %d, and not yet %d", got, floor)
	}
	w.registry.WantHolder(t, "it is unregistered", rui.node, "")
	b.Login(rui.node, available).WantNothing("what was acknowledged does not come again")
}
