package delivery

import (
	"math"
	"slices"
	"testing"
)

func popped(w *Window, number uint32) (positions []uint64) {
	w.Pop(number, func(e Entry) { positions = append(positions, e.Position) })
	return positions
}

func TestProofIsCumulative(t *testing.T) {
	var w Window
	for p := range uint64(5) {
		w.Push(Entry{Position: 10 + p})
	}
	if got := popped(&w, 3); !slices.Equal(got, []uint64{10, 11, 12}) {
		t.Errorf("the proof of the third is one of %v", got)
	}
	if got := popped(&w, 3); got != nil {
		t.Errorf("the same proof again is one of %v", got)
	}
	if got := popped(&w, 6); got != nil {
		t.Errorf("the proof of what was never handed out is one of %v", got)
	}
	if got := popped(&w, 5); !slices.Equal(got, []uint64{13, 14}) || w.Len() != 0 {
		t.Errorf("the last proof is one of %v and leaves %d", got, w.Len())
	}
	if w.list != nil {
		t.Error("an empty window holds memory")
	}
}

func TestNumbersMayWrapAround(t *testing.T) {
	w := Window{next: math.MaxUint32 - 1}
	for p := range uint64(4) {
		w.Push(Entry{Position: p})
	}
	if got := popped(&w, math.MaxUint32); !slices.Equal(got, []uint64{0}) {
		t.Errorf("before the turn: %v", got)
	}
	if got := popped(&w, 1); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("behind the turn: %v", got)
	}
}

func TestReceiptsAreFoundByTheirID(t *testing.T) {
	var w Window
	for _, e := range []Entry{{ID: "a", Sender: "x"}, {ID: "b", Sender: "x"}, {ID: "a", Sender: "y"}, {}} {
		w.Push(e)
	}
	from := func(sender string) func(*Entry) bool { return func(e *Entry) bool { return e.Sender == sender } }
	if n, ok := w.Find([]byte("a"), from("y")); !ok || n != 3 {
		t.Errorf("found %d (%v), want 3", n, ok)
	}
	if n, ok := w.Find([]byte("a"), func(*Entry) bool { return true }); !ok || n != 1 {
		t.Errorf("found %d (%v), want the oldest", n, ok)
	}
	if _, ok := w.Find(nil, func(*Entry) bool { return true }); ok {
		t.Error("an entry without an id was found")
	}
}

func TestRunsRememberWhatIsNew(t *testing.T) {
	var r runs
	for p := uint64(10); p <= 200; p += 10 {
		r.add(p, 0)
	}
	if len(r.all) != maxRuns || !r.has(200) || !r.has(130) || r.has(125) || r.has(120) || !r.unknown(120) || r.unknown(125) {
		t.Errorf("after more runs than are kept: %+v", r)
	}
	r.add(205, 200)
	r.add(135, 0)
	if !r.has(203) || !r.has(135) || r.last() != 205 {
		t.Errorf("a run that goes on, and a late one: %+v", r)
	}
}

// Redis has lost the floors, and the sweep moves to the inbox what was acknowledged
// before the session began: it is not for it, even while it still reads the log.
func TestWhatIsBelowTheFloorIsNotHandedOutLate(t *testing.T) {
	var f Follow
	f.Start(10)
	r := f.Next()
	f.Done(r, Page{}, Page{}) // the inbox is empty
	r = f.Next()
	log := Page{Messages: []Message{{Position: 11}}, Through: 11, More: true}
	for _, m := range first(f.Merge(r, log, Page{})) {
		f.Hand(m)
	}
	f.Done(r, log, Page{})
	r = f.Next()
	inbox := Page{Messages: []Message{{Position: 9, Inbox: 1}, {Position: 10, Inbox: 2}}, Through: 2}
	out, had := f.Merge(r, Page{Through: 12}, inbox)
	if len(out) != 0 || len(had) != 2 {
		t.Errorf("%v are handed out, and %v are known to be acknowledged", out, had)
	}
}

func first(out, _ []Message) []Message { return out }
