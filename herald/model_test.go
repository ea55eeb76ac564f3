package herald

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

// Two heralds tell of people who come, go, change and flap; every call takes its time, and
// some fail. In the end everybody who is there knows of everybody else what is so.
func TestTheLastThatIsToldIsTheLastThatIsSo(t *testing.T) {
	runs := uint64(300)
	if testing.Short() {
		runs = 30
	}
	for seed := range runs {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runModel(t, seed) })
		}) {
			return
		}
	}
}

// model is people, each with one session at most, whose clients remember what they are
// told.
type model struct {
	*world
	random *lockedRand
	known  map[string]map[string]string // by who is there, and of whom
}

type lockedRand struct {
	mu sync.Mutex
	*rand.Rand
}

func (r *lockedRand) n(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.IntN(n)
}

func runModel(t *testing.T, seed uint64) {
	m := &model{
		world: newWorld(t), random: &lockedRand{Rand: rand.New(rand.NewPCG(seed, 1))},
		known: map[string]map[string]string{},
	}
	people := []string{"ana@x", "bob@x", "rui@x"}
	for _, p := range people {
		m.knows(p, people...)
	}
	slow := 1 + m.random.n(400)
	m.before = func(string) error {
		time.Sleep(time.Duration(m.random.n(slow)) * time.Millisecond)
		if m.random.n(40) == 0 {
			return errOurs
		}
		return nil
	}
	one, stopOne := m.start(Config{})
	defer stopOne()
	two, stopTwo := m.start(Config{})
	defer stopTwo()
	heralds := []*Herald{one, two}
	for range 40 {
		time.Sleep(time.Duration(m.random.n(300)) * time.Millisecond)
		heralds[m.random.n(2)].Tell(m.change(people[m.random.n(len(people))]))
	}
	settle(heralds...)
	m.learn()
	for who, of := range m.known {
		for _, p := range people {
			want := digest(sightOf(m.views[p]).Presence)
			if got := of[p]; got != want && !(got == "" && want == string(lime.StatusUnavailable)) {
				t.Errorf("%s takes %s for %q, which is %s", who, p, got, want)
			}
		}
	}
}

// change changes somebody's session and returns what its edge would tell of that.
func (m *model) change(who string) Event {
	i := lime.MustParseIdentity(who)
	before := m.views[who]
	was := lime.Status("")
	if len(before.Registrations) > 0 {
		was = before.Registrations[0].Presence.Status
	}
	is := []lime.Status{"", lime.StatusAvailable, lime.StatusAway, lime.StatusInvisible}[m.random.n(4)]
	m.is(who, is, "")
	e := Event{Identity: i, Seen: was != "" && was != lime.StatusInvisible && (is == "" || is == lime.StatusInvisible)}
	m.learn()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case is == "":
		delete(m.known, who)
	case was == "":
		e.Fresh = []string{"home"}
		m.known[who] = map[string]string{}
	}
	return e
}

// learn has those who are there take what was told so far.
func (m *model) learn() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.observes {
		to := lime.MustParseNode(o.to)
		if knows := m.known[to.Identity.String()]; knows != nil {
			knows[o.of] = digest(o.presence)
		}
	}
	m.observes = nil
}
