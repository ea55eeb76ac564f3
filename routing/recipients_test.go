package routing

import (
	"errors"
	"testing"
	"time"

	"limegrove/lime"
)

// What is known of a recipient is asked about anew before it holds no more, and
// messages do not wait for that.
func TestARecipientIsAskedAboutBeforeItIsForgotten(t *testing.T) {
	w := newStoredWorld(t)
	a := w.idleEdge("a", Config{Streams: w.streams, Directory: w.known}) // nothing is answered but here
	to := lime.MustParseNode("rui@t.org/1")
	r := a.recipients
	pass := func(id string) error {
		t.Helper()
		node, err := lime.ParseNodeView([]byte(to.String()))
		if err != nil {
			t.Fatal(err)
		}
		o, err := a.outgoing(lime.MustParseNode("ana@t.org/1").Identity, node, []byte(id), []byte("{}"), 0)
		if err != nil {
			t.Fatal(err)
		}
		return r.pass(o, node)
	}
	holds := knownFor(time.Hour)
	holds.again = time.Now()
	r.keepLocked(subjectOf(to), holds)
	for _, id := range []string{"m1", "m2"} {
		if err := pass(id); err != nil {
			t.Errorf("%s, of a known recipient, is refused: %v", id, err)
		}
	}
	if n := len(a.outbox.fresh); n != 2 {
		t.Errorf("%d of 2 messages went on", n)
	}
	if n := len(r.ask); n != 1 {
		t.Fatalf("%d questions are asked", n)
	}

	// What is known ends before there is an answer: now messages wait.
	q := <-r.ask
	holds.until = time.Now()
	r.keepLocked(subjectOf(to), holds)
	if err := pass("m3"); err != nil || len(q.waiting) != 1 || len(r.ask) != 0 {
		t.Errorf("m3 waits in %d, with %d questions more: %v", len(q.waiting), len(r.ask), err)
	}
	r.answer(q, refusedFor(time.Hour, reasonStranger), false)
	if n := len(a.outbox.fresh); n != 2 {
		t.Errorf("%d messages went on, of which two might", n)
	}
	if err := pass("m4"); !errors.Is(err, reasonStranger) || len(r.ask) != 0 {
		t.Errorf("m4 is told %v, and %d questions are asked about a refused address", err, len(r.ask))
	}
}

func TestAnswersEndAtDifferentTimes(t *testing.T) {
	first := knownFor(time.Hour)
	for range 100 {
		k := knownFor(time.Hour)
		if left := k.until.Sub(k.again); left <= 0 || left > time.Hour/2 {
			t.Fatalf("it is asked about %v before the end of an hour", left)
		}
		if first.again.Sub(k.again).Abs() > time.Minute {
			return
		}
	}
	t.Error("a hundred answers are asked about within a minute")
}
