package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
)

// wantTakes waits until all edges know what a session takes less than all.
func (w *world) wantTakes(c *client) {
	w.Helper()
	eventually(w, "all know what "+c.node+" takes", func() bool {
		for _, e := range w.edges {
			identity := c.Node().Identity.String()
			if e == c.e || e.hub(identity) == nil {
				continue
			}
			if r, ok := e.remote(identity)[c.node]; !ok || r.Takes == nil {
				return false
			}
		}
		return true
	})
}

// Nobody has a turn with what it does not take, whatever the rule by which it has it.
func TestWhatASessionDoesNotTakeIsNotItsToHave(t *testing.T) { // L-RES-07
	for name, p := range map[string]lime.Presence{
		"in turn":     shared(),
		"by priority": {Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentityByPriority, Priority: 5},
		"the nearest": {Status: lime.StatusAvailable, FilterByDistance: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, a, b, c := ruledStoredWorld(t)
			ana := a.Login("ana@t.org/1", available)
			ana.SetReceipts(0)
			less := p
			less.Priority--
			picky, watch, other := a.Login("bot@t.org/1", p), c.Login("bot@t.org/2", p), b.Login("bot@t.org/3", less)
			picky.takes(photosOnly)
			watch.takes(photosOnly)
			w.wantSharing(picky, watch, other)
			w.wantTakes(picky)
			w.wantTakes(watch)
			const n = 30
			ana.send("bot@t.org", 0, n)
			w.have("all of it is for the one that takes it", n, other)
			for i := range n {
				ana.Say("bot@t.org", fmt.Sprint(i))
			}
			w.have("and what is not stored", 2*n, other)
			if got := ana.Got(); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "failed") }) {
				t.Errorf("the sender has %q", got)
			}
			picky.WantNothing("it takes none of it")
		})
	}
}

func TestCommandsGoInTurnToThoseThatTakeThem(t *testing.T) { // L-RES-07
	w, a, b, _ := ruledWorld(t)
	ana := a.Guest("ana@t.org/1")
	picky, other := a.Login("bot@t.org/1", shared()), b.Login("bot@t.org/2", shared())
	picky.takes(`{"resourceTypes":[]}`)
	w.quiet()
	w.wantTakes(picky)
	var want []string
	for i := range 20 {
		id := fmt.Sprintf("c%02d", i)
		ana.mustRoute("bot@t.org", `{"id":"`+id+`","from":"ana@t.org/1","to":"bot@t.org","method":"get","uri":"/x"}`)
		want = append(want, id+" get")
	}
	other.Want("all of them", want...)
	ana.WantNothing("none has failed")
}

// Who takes less than before leaves what it has, and has not acknowledged, to others.
func TestWhoTakesLessLeavesWhatItHas(t *testing.T) {
	w, a, b, c := ruledStoredWorld(t)
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	one, gone := a.Login("bot@t.org/1", shared()), b.Login("bot@t.org/2", shared())
	gone.Silent(true)
	w.wantSharing(one, gone)
	ana.send("bot@t.org", 0, 40)
	w.have("each message is one session's", 40, one, gone)
	left := slices.Clone(gone.Got())
	if len(left) == 0 {
		t.Fatal("it has nothing")
	}
	had := len(one.Got())
	gone.takes(photosOnly)
	w.have("what it leaves is the other's", had+len(left), one)
}

func TestOneTellsThatNobodyTakesAMessage(t *testing.T) {
	for name, p := range map[string]lime.Presence{"each": available, "in turn": shared()} {
		t.Run(name, func(t *testing.T) {
			w, a, b, c := ruledStoredWorld(t)
			ana := c.Login("ana@t.org/1", available)
			bots := []*client{a.Login("bot@t.org/1", p), a.Login("bot@t.org/2", p), b.Login("bot@t.org/3", p)}
			for _, bot := range bots {
				bot.takes(`{"contentTypes":["a/b"],"resourceTypes":[]}`)
				w.wantTakes(bot)
			}
			ana.SayID("m1", "bot@t.org", "stored")
			ana.Want("the sender hears so", "m1 accepted", "m1 failed 71")
			ana.mustRoute("bot@t.org", `{"id":"c1","from":"ana@t.org/1","to":"bot@t.org","method":"get","uri":"/x"}`)
			ana.Want("and of a command", "c1 get failure 62")
			w.settle()
			ana.WantNothing("and only once")
		})
	}
}
