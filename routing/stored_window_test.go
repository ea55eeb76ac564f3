package routing

import (
	"fmt"
	"testing"
)

func TestAWindowStopsASlowClientAndLosesNothing(t *testing.T) { // L-TRN-11
	for _, swept := range []bool{false, true} {
		t.Run(fmt.Sprintf("swept %v", swept), func(t *testing.T) {
			w := newStoredWorld(t)
			a, b := w.edge("a"), w.edge("b")
			ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
			rui.Silent(true)
			const n = 3 * maxWindow
			var want []string
			for i := range n {
				ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
				want = append(want, fmt.Sprint("x", i))
			}
			eventually(t, "all are accepted", func() bool { return len(ana.Got()) == n })
			if swept {
				w.sweep()
			}
			eventually(t, "a window is full", func() bool { return len(rui.Got()) >= maxWindow })
			w.settle()
			if got := len(rui.Got()); got != maxWindow {
				t.Errorf("a client that proves nothing was given %d, want %d", got, maxWindow)
			}
			rui.Silent(false)
			rui.Want("when it does it gets all, in order", want...)
			w.noneLeft(rui)
		})
	}
}

func TestAFullQueueLosesNothing(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Refuse(ErrQueueFull)
	ana.SayID("m1", "rui@t.org", "one")
	ana.SayID("m2", "rui@t.org", "two")
	ana.Want("both are accepted", "m1 accepted", "m2 accepted")
	rui.WantNothing("there is no room")
	rui.Refuse(nil)
	rui.Drained()
	rui.Want("when there is, both come", "one", "two")
	ana.Want("and the sender hears of it", "m1 dispatched", "m2 dispatched")
}

func TestSettlingHandsOutNothingMore(t *testing.T) { // L-FIN-05
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Silent(true)
	ana.SayID("m1", "rui@t.org", "one")
	rui.Want("it is there", "one")
	settled := make(chan struct{})
	rui.Settle(func() { close(settled) })
	ana.SayID("m2", "rui@t.org", "two")
	ana.Want("both are accepted", "m1 accepted", "m2 accepted")
	rui.WantNothing("nothing more is handed out")
	select {
	case <-settled:
		t.Fatal("it is settled with a message unacknowledged")
	default:
	}
	rui.Silent(false)
	w.wait("it is settled", settled)
	rui.Leave()
	b.Login("rui@t.org/1", available).Want("the rest waits for the next session", "two")
}
