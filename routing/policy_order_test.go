package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// askedWorld is an edge of which nothing runs: a test answers what is asked about, as it
// likes and when it likes.
type askedWorld struct {
	t         *testing.T
	random    *rand.Rand
	e         *testEdge
	people    map[string]*Member
	heard     map[*Member]*failures
	asked     []*question
	n         int
	allowance *allowance
}

// failures keeps which messages have failed.
type failures struct {
	sink
	failed []string
}

func (l *failures) Deliver(envelope []byte) error {
	l.failed = append(l.failed, describe(envelope))
	return nil
}

const askedFor = "rui@t.org/1"

func newAskedWorld(t *testing.T, in *world, seed uint64) *askedWorld {
	w := &askedWorld{
		t: t, random: rand.New(rand.NewPCG(seed, seed)), people: map[string]*Member{}, heard: map[*Member]*failures{},
		e: in.idleEdge("a", Config{Streams: emptyStreams{}, Directory: &directory{}, Shards: 1}),
	}
	for _, name := range []string{"ana", "lia", "rui", "zed"} {
		m := benchMember(w.e, name+"@t.org/1")
		l := &failures{}
		m.guest, m.to = name == "zed", l
		w.people[name], w.heard[m] = m, l
	}
	w.newRoom()
	return w
}

// newRoom has room counted again, for few or many.
func (w *askedWorld) newRoom() {
	left := 1 + w.random.IntN(6)
	w.allowance = &allowance{had: left, left: left, until: time.Now().Add(time.Hour), again: time.Now().Add(time.Hour)}
}

func (w *askedWorld) send() {
	names := []string{"ana", "ana", "lia", "rui", "zed"}
	name := names[w.random.IntN(len(names))]
	m := w.people[name]
	w.n++
	id := fmt.Sprintf("%s-%06d", name, w.n)
	envelope := fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"type":"text/plain","content":"x"}`, id, m.who.String(), askedFor)
	if err := m.Route(mustView(askedFor), mustHeader(envelope), []byte(envelope)); err != nil {
		l := w.heard[m]
		l.failed = append(l.failed, id+" failed "+code(lime.AsReason(err)))
	}
}

// pull takes what was asked about.
func (w *askedWorld) pull() {
	for {
		select {
		case q := <-w.e.recipients.ask:
			w.asked = append(w.asked, q)
		default:
			return
		}
	}
}

// answer answers one question of those that are open, by chance.
func (w *askedWorld) answer() {
	w.pull()
	if len(w.asked) == 0 {
		return
	}
	i := w.random.IntN(len(w.asked))
	q := w.asked[i]
	w.asked = slices.Delete(w.asked, i, i+1)
	k := knownFor(time.Hour)
	if w.random.IntN(4) == 0 {
		w.newRoom()
	}
	k.allowance = w.allowance
	switch w.random.IntN(5) {
	case 0:
		k = known{} // nobody can tell
	case 1, 2:
		if q.admit != nil {
			k = refusedFor(time.Hour, reasonNoContact)
		} else {
			k.policy = &lime.InboxPolicy{ContactsOnly: true}
		}
	case 3:
		if q.admit == nil {
			k.policy = &lime.InboxPolicy{NoGuests: true, Size: 3}
		}
	}
	if w.e.recipients.answer(q, k, false) {
		w.newRoom() // it is counted again
		w.asked = append(w.asked, q)
	}
}

// What one sender has sent is stored in order, and each of its messages either stored or
// told to have failed, whatever is answered and in whatever order: answers that end, policies
// that change, room that is used up.
func TestWhatIsAskedAboutTwiceStaysInOrder(t *testing.T) {
	in := newWorld(t)
	for seed := range uint64(60) {
		w := newAskedWorld(t, in, seed)
		for range 400 {
			switch w.random.IntN(10) {
			case 0:
				w.e.forgetRecipients()
			case 1, 2, 3:
				w.answer()
			default:
				w.send()
			}
		}
		for w.pull(); len(w.asked) > 0; w.pull() {
			w.answer()
		}
		w.check(seed)
		if t.Failed() {
			return
		}
	}
}

func (w *askedWorld) check(seed uint64) {
	w.t.Helper()
	last, times := map[string]string{}, map[string]int{}
	for _, o := range w.e.outbox.fresh {
		id := string(o.id)
		name, _, _ := strings.Cut(id, "-")
		if id <= last[name] {
			w.t.Errorf("seed %d: %s is stored after %s", seed, id, last[name])
		}
		last[name] = id
		times[id]++
	}
	for _, l := range w.heard {
		for _, text := range l.failed {
			id, _, _ := strings.Cut(text, " ")
			times[id]++
		}
	}
	if len(times) != w.n {
		w.t.Errorf("seed %d: something became of %d of %d messages", seed, len(times), w.n)
	}
	for id, n := range times {
		if n != 1 {
			w.t.Errorf("seed %d: %s was stored or has failed %d times", seed, id, n)
		}
	}
	r := w.e.recipients
	if len(r.held) != 0 || len(r.open) != 0 {
		w.t.Errorf("seed %d: %v is held and %d questions are open", seed, r.held, len(r.open))
	}
}
