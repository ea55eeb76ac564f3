package routing

import (
	"testing"

	"limegrove/lime"
)

func TestSeveralSessionsOfAnIdentity(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana := a.Login("ana@t.org/1", available)
	one, two := a.Login("rui@t.org/1", available), b.Login("rui@t.org/2", available)
	only := b.Login("rui@t.org/3", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance})
	two.Silent(true)
	ana.SayID("m1", "rui@t.org", "one")
	one.Want("each gets it", "one")
	two.Want("each gets it", "one")
	only.WantNothing("but who wants only what is for its node")
	w.noneLeft(one)
	two.Leave()
	b.Login("rui@t.org/4", available).WantNothing("one of them has acknowledged it for all")
	one.SayID("m2", "rui@t.org", "to myself")
	one.Want("who has sent it gets only word of it", "m2 accepted", "m2 dispatched")
}
