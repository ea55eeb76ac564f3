package document

import (
	"errors"
	"fmt"
	"testing"
)

func TestDocumentsAreCountedAndCleared(t *testing.T) {
	b := openBucket(t)
	ana, other := of(t, "ana@x"), of(t, "ana2@x")
	count := func(want int) {
		t.Helper()
		if n, err := b.Count(t.Context(), ana); n != want || err != nil {
			t.Errorf("there are %d, %v, want %d", n, err, want)
		}
	}
	count(0)
	put(t, b, other+".x.rui", "of somebody else")
	count(0)
	for i := range 20 {
		put(t, b, ana+Key(fmt.Sprintf(".x.%d", i)), "1")
	}
	count(20)
	if err := b.Remove(t.Context(), ana+".x.3"); err != nil {
		t.Fatal(err)
	}
	count(20) // for an hour; Under knows better, and is asked when there seems to be no room
	for most, want := range map[int]bool{21: true, 20: true, 19: false, 1: false, 0: false} {
		if has, err := b.HasRoom(t.Context(), ana, most); has != want || err != nil {
			t.Errorf("there are 19, and room for %d: %v, %v, want %v", most, has, err, want)
		}
	}
	if has, err := b.HasRoom(t.Context(), of(t, "nobody@x"), 0); has || err != nil {
		t.Errorf("room for none: %v, %v", has, err)
	}
	if err := b.Clear(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	count(0)
	wantUnder(t, b, ana)
	wantUnder(t, b, other, "x.ana2.x.rui=of somebody else")
}

func TestWhatIsYoungerThanARemovalIsNotCleared(t *testing.T) {
	b := openBucket(t)
	ana := of(t, "ana@x")
	put(t, b, ana, "here")
	put(t, b, ana+".x.old", "1")
	put(t, b, ana+".x.both", "1")
	refused := errors.New("not that")
	if _, err := b.RemoveIf(t.Context(), ana, func(Document) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("refused: %v", err)
	}
	removed, err := b.RemoveIf(t.Context(), ana, func(d Document) error {
		if string(d.Value) != "here" {
			t.Errorf("asked about %q", d.Value)
		}
		return nil
	})
	if err != nil || removed == 0 {
		t.Fatalf("removed at %d, %v", removed, err)
	}
	if _, err := b.RemoveIf(t.Context(), ana, func(Document) error { return nil }); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	put(t, b, ana+".x.both", "2")
	put(t, b, ana+".x.new", "2")
	if err := b.ClearBefore(t.Context(), ana, removed); err != nil {
		t.Fatal(err)
	}
	wantUnder(t, b, ana, "x.ana.x.both=2", "x.ana.x.new=2")
}
