package routing

import (
	"testing"
	"time"
)

// However long something is dropped each second, its shard is read again ever more seldom; once after the last loss; and
// as soon as ever when it was well for a while.
func TestReadingAgainSettles(t *testing.T) {
	var r rereading
	begin := time.Unix(1e9, 0)
	now := begin
	var at []time.Duration
	second := func(drops bool) {
		r.owed = r.owed || drops
		if r.due(now) {
			at = append(at, now.Sub(begin).Round(time.Second))
		}
		now = now.Add(time.Second)
	}
	for range 600 {
		second(true)
	}
	if len(at) > 17 || at[0] != 0 || at[1] > 2*time.Second {
		t.Errorf("in ten minutes of losses all is read at %v", at)
	}
	before := len(at)
	for range 600 {
		second(false)
	}
	if len(at) != before+1 || at[before] > 600*time.Second+rereadPauseMax {
		t.Errorf("after the last loss it is read at %v", at[before:])
	}
	at = nil
	second(true)
	second(true)
	if len(at) != 2 {
		t.Errorf("losses after a quiet time are read at %v", at)
	}
}

func TestNeighboursOfOneThatOverflowsAreReadSeldom(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	e := w.idleEdge("a", Config{Delegations: g, Shards: 1})
	s := e.shards[0]
	m, err := e.join("org.t.@.bia")
	if err != nil {
		t.Fatal(err)
	}
	b := m.hub
	b.learning.set(givenAsked, true)
	reads := 0
	now := time.Unix(1e9, 0)
	look := func(lost bool) (more bool) {
		if lost {
			s.missed-- // as if the library had dropped one more
		}
		b.learning.set(givenKnown, true)
		more = e.lookForLosses(now)
		now = now.Add(lossesPause)
		if reading := e.unread.take(); len(reading) > 0 {
			reads++
			if b.learning.has(givenKnown) {
				t.Error("what is read again counts meanwhile")
			}
		}
		return more
	}
	for range 120 {
		if !look(true) {
			t.Error("nobody looks again while something is lost")
		}
	}
	if reads > 9 {
		t.Errorf("it is read %d times in two minutes", reads)
	}
	reads = 0
	for look(false) {
		if now.After(time.Unix(1e9, 0).Add(time.Hour)) {
			t.Fatal("it never settles")
		}
	}
	if reads != 1 {
		t.Errorf("it is read %d times after the last loss", reads)
	}
}
