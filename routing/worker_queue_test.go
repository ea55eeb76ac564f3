package routing

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// ofSubject has those queue who are the part of a subject before the dot.
func ofSubject(msg *nats.Msg) string {
	who, _, _ := strings.Cut(msg.Subject, ".")
	return who
}

func (q *queue) drain() (all []string) {
	for {
		select {
		case <-q.waits:
			all = append(all, q.next().msg.Subject)
		default:
			return all
		}
	}
}

func TestEverybodyHasATurn(t *testing.T) {
	q := newQueue(100, 50, 0, ofSubject)
	for i := range 4 {
		q.put(&nats.Msg{Subject: fmt.Sprintf("flood.%d", i)})
	}
	for _, one := range []string{"ana.1", "rui.1", "ana.2"} {
		q.put(&nats.Msg{Subject: one})
	}
	got := strings.Join(q.drain(), " ")
	if want := "flood.0 ana.1 rui.1 flood.1 ana.2 flood.2 flood.3"; got != want {
		t.Errorf("they come as %s, want %s", got, want)
	}
	if q.len() != 0 || len(q.of) != 0 || len(q.turns) != 0 {
		t.Errorf("the queue keeps %d of %v", q.len(), q.turns)
	}
}

func TestQueueIsBoundedForAllAndForEach(t *testing.T) {
	q := newQueue(5, 3, 0, ofSubject)
	var taken []string
	for _, one := range []string{"a.1", "a.2", "a.3", "a.4", "b.1", "b.2", "c.1"} {
		if q.put(&nats.Msg{Subject: one}) {
			taken = append(taken, one)
		}
	}
	if got, want := strings.Join(taken, " "), "a.1 a.2 a.3 b.1 b.2"; got != want {
		t.Errorf("taken are %s, want %s", got, want)
	}
	<-q.waits
	q.next()
	if !q.put(&nats.Msg{Subject: "a.4"}) || q.put(&nats.Msg{Subject: "c.1"}) {
		t.Error("the place of one that was taken is not one place")
	}
}

func TestWithoutTurnsTheOldestComesFirst(t *testing.T) {
	q := newQueue(10, 10, 0, nil)
	for _, one := range []string{"a.1", "a.2", "b.1", "a.3"} {
		q.put(&nats.Msg{Subject: one})
	}
	if got := strings.Join(q.drain(), " "); got != "a.1 a.2 b.1 a.3" {
		t.Errorf("they come as %s", got)
	}
}

// Whoever has asked for what takes long leaves workers to others.
func TestOneHasAPartOfTheWorkers(t *testing.T) {
	q := newQueue(100, 50, 2, ofSubject)
	for _, one := range []string{"slow.1", "slow.2", "slow.3", "slow.4", "ana.1", "slow.5"} {
		q.put(&nats.Msg{Subject: one})
	}
	take := func(why, want string) (all []waiting) {
		t.Helper()
		var subjects []string
		for range len(q.waits) {
			<-q.waits
			one := q.next()
			all, subjects = append(all, one), append(subjects, one.msg.Subject)
		}
		if got := strings.Join(subjects, " "); got != want {
			t.Errorf("%s: they come as %s, want %s", why, got, want)
		}
		return all
	}
	first := take("two of one and what is others'", "slow.1 ana.1 slow.2")
	take("no more of the one", "")
	q.put(&nats.Msg{Subject: "ana.2"})
	other := take("but of others", "ana.2")
	q.done(first[0])
	q.put(&nats.Msg{Subject: "slow.6"})
	third := take("one for one", "slow.3")
	q.done(first[2])
	q.done(third[0])
	last := take("two for two", "slow.4 slow.5")
	for _, w := range append(last, first[1], other[0]) {
		q.done(w)
	}
	q.done(take("all come", "slow.6")[0])
	if q.len() != 0 || len(q.of) != 0 || len(q.turns) != 0 || len(q.busy) != 0 {
		t.Errorf("the queue keeps %d of %v, %v busy", q.len(), q.turns, q.busy)
	}
}
