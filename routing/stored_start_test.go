package routing

import (
	"fmt"
	"slices"
	"testing"

	"limegrove/lime"
)

func TestWhatIsSentToSomebodyAwayWaits(t *testing.T) { // L-MSG-07
	for _, swept := range []bool{false, true} {
		t.Run(fmt.Sprintf("swept %v", swept), func(t *testing.T) {
			w := newStoredWorld(t)
			a, b := w.edge("a"), w.edge("b")
			ana := a.Login("ana@t.org/1", available)
			var want []string
			for i := range 20 {
				ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
				want = append(want, fmt.Sprint("x", i))
			}
			ana.SayID("n", "rui@t.org/1", "for one")
			ana.SayID("o", "rui@t.org/2", "for another")
			eventually(t, "all are accepted", func() bool { return len(ana.Got()) == 22 })
			if swept {
				w.sweep()
			}
			rui := b.login("rui@t.org/1", false)
			rui.Want("before its presence it gets what is for its node alone", "for one")
			rui.SetPresence(&available)
			rui.Want("and then what is for its identity, in order", want...)
			w.noneLeft(rui)
			if rui.Leave(); !swept {
				w.sweep()
			}
			again := a.Login("rui@t.org/1", available)
			again.WantNothing("what was acknowledged does not come again")
			a.Login("rui@t.org/2").Want("what is for another instance waits for it", "for another")
		})
	}
}

func TestTheNewerSessionTakesOver(t *testing.T) { // L-SES-21
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprintf("on the same edge %v", same), func(t *testing.T) {
			w := newStoredWorld(t)
			a, b := w.edge("a"), w.edge("b")
			ana, older := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
			ana.SayID("m1", "rui@t.org", "acknowledged")
			older.Want("it has one", "acknowledged")
			eventually(t, "it has acknowledged it", func() bool { return slices.Contains(ana.Got(), "m1 dispatched") })
			older.Silent(true)
			ana.SayID("m2", "rui@t.org", "not acknowledged")
			older.Want("it has another", "not acknowledged")
			on := a
			if same {
				on = b
			}
			newer := on.Login("rui@t.org/1", available)
			older.WantEnd("it was replaced", lime.CodeSessionRegistrationError)
			newer.Want("what was not acknowledged comes again, and nothing else", "not acknowledged")
		})
	}
}
