package checker_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"limegrove/e2e/fault/history"
)

// everybody is a group.
const everybody = "all@groups.t"

var members = []string{"ana@t", "rui@t"}

// world is an ideal cluster and its clients: what it tells is sound by construction.
// Each address has a log, which each session of that address reads from where its
// node has read to, or, as after a crash, from a bit before.
type world struct {
	t     *rapid.T
	story story

	people []*person
	logs   map[string][]*letter
	ids    int
}

type person struct {
	node, identity string
	logins         int
	session        string // "" while away

	read    map[string]int // how far in the logs of its addresses
	numbers map[string]int // of the last letter to an address
	pending []*letter      // sent and not accepted
}

type letter struct {
	id, from, to string
	seq          int

	stored, failed, unanswered bool
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, logs: map[string][]*letter{}}
	for _, node := range []string{"ana@t/1", "rui@t/1", "rui@t/2"} {
		identity, _, _ := strings.Cut(node, "/")
		w.people = append(w.people, &person{
			node: node, identity: identity, read: map[string]int{}, numbers: map[string]int{},
		})
	}
	for _, member := range members {
		w.story.tell(history.Event{Kind: history.Joined, From: member, To: everybody})
	}
	w.story.tell(history.Event{Kind: history.Begin})
	return w
}

// soundHistory lets random things happen in a world, and lets it come to rest.
func soundHistory(t *rapid.T) story {
	w := newWorld(t)
	steps := rapid.SliceOfN(rapid.IntRange(0, 9), 20, 80).Draw(t, "steps")
	for _, step := range steps {
		p := rapid.SampledFrom(w.people).Draw(t, "who")
		switch {
		case p.session == "":
			w.login(p)
		case step == 0:
			w.logout(p)
		case step <= 3:
			w.send(p)
		case step <= 6:
			w.answer(p)
		default:
			w.read(p)
		}
	}
	for _, p := range w.people {
		if p.session == "" {
			w.login(p)
		}
		w.settle(p)
	}
	w.story.tell(history.Event{Kind: history.Quiet})
	for _, p := range w.people {
		for w.read(p) {
		}
	}
	w.story.tell(history.Event{Kind: history.End})
	return w.story
}

func (w *world) login(p *person) {
	p.logins++
	p.session = fmt.Sprintf("%s#%d", p.node, p.logins)
	w.story.login(p.session, p.node)
	for _, l := range p.pending { // what was not answered or failed goes first, in order
		w.attempt(p, l)
	}
}

func (w *world) logout(p *person) {
	w.story.logout(p.session, history.Cut)
	p.session = ""
	for _, l := range p.pending {
		if rapid.Bool().Draw(w.t, "was stored") {
			w.store(l)
		}
		l.unanswered = true
	}
	for to := range p.read { // what was not acknowledged comes again
		p.read[to] = max(0, p.read[to]-rapid.IntRange(0, 2).Draw(w.t, "again"))
	}
}

func (w *world) send(p *person) {
	to := rapid.SampledFrom([]string{"ana@t/1", "ana@t", "rui@t", "rui@t/1", "rui@t/2", everybody}).Draw(w.t, "to")
	if to == p.identity {
		to = p.node // there is no echo
	}
	p.numbers[to]++
	w.ids++
	l := &letter{id: fmt.Sprintf("m%d", w.ids), from: p.node, to: to, seq: p.numbers[to]}
	p.pending = append(p.pending, l)
	w.attempt(p, l)
}

func (w *world) attempt(p *person, l *letter) {
	l.failed = false
	w.story.tell(history.Event{Kind: history.Sent, Session: p.session, ID: l.id, To: l.to, Seq: l.seq})
}

// answer answers the oldest attempt.
func (w *world) answer(p *person) {
	i := slices.IndexFunc(p.pending, func(l *letter) bool { return !l.failed })
	if i < 0 {
		return
	}
	l := p.pending[i]
	if !l.unanswered && rapid.IntRange(0, 4).Draw(w.t, "answer") == 0 {
		l.failed = true
		w.story.tell(history.Event{Kind: history.Failed, Session: p.session, ID: l.id, Code: 51})
		return
	}
	w.store(l)
	p.pending = slices.Delete(p.pending, i, i+1)
	for _, kind := range []history.Kind{history.Accepted, history.Dispatched} {
		w.story.tell(history.Event{Kind: kind, Session: p.session, ID: l.id})
	}
}

func (w *world) settle(p *person) {
	for _, l := range p.pending {
		if l.failed {
			w.attempt(p, l)
		}
	}
	for len(p.pending) > 0 {
		l := p.pending[0]
		w.store(l)
		p.pending = p.pending[1:]
		w.story.tell(history.Event{Kind: history.Accepted, Session: p.session, ID: l.id})
	}
}

func (w *world) store(l *letter) {
	if !l.stored {
		l.stored = true
		if l.to != everybody {
			w.logs[l.to] = append(w.logs[l.to], l)
			return
		}
		for _, member := range members {
			if !strings.HasPrefix(l.from, member+"/") {
				w.logs[member] = append(w.logs[member], l)
			}
		}
	}
}

// read delivers the next letter of one of a person's logs, if there is one.
func (w *world) read(p *person) bool {
	for _, to := range []string{p.node, p.identity} {
		if n := p.read[to]; n < len(w.logs[to]) {
			p.read[to]++
			w.deliver(p, w.logs[to][n])
			return true
		}
	}
	return false
}

func (w *world) deliver(p *person, l *letter) {
	from, to := l.from, l.to
	if to == everybody {
		identity, _, _ := strings.Cut(from, "/")
		from, to = everybody+"/"+strings.ReplaceAll(identity, "@", "%40"), p.identity
	}
	w.story.tell(history.Event{
		Kind: history.Delivered, Session: p.session, ID: l.id, From: from, To: to, Sender: l.from, Seq: l.seq,
	})
}
