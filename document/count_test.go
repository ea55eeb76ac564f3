package document

import (
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
	count(20) // for an hour; Under knows better
	if err := b.Clear(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	count(0)
	wantUnder(t, b, ana)
	wantUnder(t, b, other, "x.ana2.x.rui=of somebody else")
}
