package rooms

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"limegrove/lime"
)

// attended is a registry that fails and forgets as the test wants, beside who is in the rooms.
type attended struct {
	attendance
	seats []*stay           // each as often as it has seats
	has   map[string]string // session of each node in each room
	log   []string
}

// deliver has the registry make the changes.
func (a *attended) deliver(all []news) {
	for _, n := range all {
		for _, r := range n.entered {
			a.has[string(n.key.name)+" "+r.Node.Instance] = r.Session
		}
		for _, r := range n.left {
			if at := string(n.key.name) + " " + r.Node.Instance; a.has[at] == r.Session {
				delete(a.has, at)
			}
		}
	}
}

// truth is what the registry is to have in the end.
func (a *attended) truth() map[string]string {
	is := map[string]string{}
	for _, s := range a.seats {
		is[string(s.party.key.name)+" "+s.text] = s.session
	}
	return is
}

// TestTheRegistryKnowsInTheEndWhoIsThere, whatever has failed, whoever has come and gone
// while it was told, and whenever it has lost everything.
func TestTheRegistryKnowsInTheEndWhoIsThere(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 0))
		a := &attended{has: map[string]string{}}
		a.attendance = attendance{registry: &registry{}, parties: map[roomKey]*party{}}
		var flight []news
		session, rooms := 0, math.MaxInt
		for range 30 {
			switch what := r.IntN(8); {
			case what < 2:
				session += r.IntN(2)
				key := roomKey{"t.org", "/a"}
				if r.IntN(4) == 0 {
					key.name = "/b"
				}
				s := a.come(key, Visitor{lime.MustParseNode(fmt.Sprintf("n%d@t.org/1", r.IntN(2))), fmt.Sprint("s", session)})
				a.seats = append(a.seats, s)
				a.log = append(a.log, fmt.Sprintf("%s comes to %s as %s", s.text, key.name, s.session))
			case what < 4 && len(a.seats) > 0:
				i := r.IntN(len(a.seats))
				s := a.seats[i]
				a.seats = slices.Delete(a.seats, i, i+1)
				a.leave(s)
				a.log = append(a.log, fmt.Sprintf("%s leaves %s", s.text, s.party.key.name))
			case what == 4 && flight == nil:
				flight = a.take(&rooms)
				a.log = append(a.log, "it is told")
			case what == 5 && flight != nil:
				a.deliver(flight)
				a.took(flight)
				flight = nil
				a.log = append(a.log, "it has it")
			case what == 6 && flight != nil:
				made := r.IntN(2) == 0
				if made {
					a.deliver(flight)
				}
				a.failed(flight)
				flight = nil
				a.log = append(a.log, fmt.Sprintf("it fails, done: %t", made))
			case what == 7:
				lost := r.IntN(2) == 0
				if lost {
					clear(a.has)
				}
				a.again(false)
				a.log = append(a.log, fmt.Sprintf("all again, lost: %t", lost))
			}
		}
		if flight != nil {
			a.deliver(flight)
			a.took(flight)
		}
		for all := a.take(&rooms); len(all) > 0; all = a.take(&rooms) {
			a.deliver(all)
			a.took(all)
		}
		if want := a.truth(); !maps.Equal(a.has, want) {
			t.Fatalf("seed %d: it has %v, want %v, after %q", seed, a.has, want, a.log)
		}
		known := 0
		for _, p := range a.parties {
			known += len(p.here)
		}
		if known != len(a.has) {
			t.Fatalf("seed %d: %d are remembered, of %d", seed, known, len(a.has))
		}
	}
}
