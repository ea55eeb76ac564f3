package document

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestLastChangeOfWhatIsBelow(t *testing.T) {
	b, k := openBucket(t), of(t, "group@x")
	seen := map[uint64]bool{}
	want := func(what string, change error, keys ...string) {
		t.Helper()
		last, err := b.Last(t.Context(), k)
		if change != nil || err != nil || seen[last] {
			t.Fatalf("%s: %v; the last change is %d as it was, %v", what, change, last, err)
		}
		seen[last] = true
		all, revision, err := b.Whole(t.Context(), k, last)
		var got []string
		for _, d := range all {
			got = append(got, string(d.Key[len(k)+1:]))
		}
		if fmt.Sprint(got) != fmt.Sprint(keys) || revision != last || err != nil {
			t.Errorf("%s: %q of revision %d, want %q of %d, %v", what, got, revision, keys, last, err)
		}
	}
	want("nothing", nil)
	want("one", b.Put(t.Context(), k+".a", nil), "a")
	want("another", b.Put(t.Context(), k+".b", nil), "a", "b")
	want("one changed", b.Put(t.Context(), k+".a", []byte("2")), "a", "b")
	put(t, b, of(t, "other@x")+".a", "of somebody else")
	want("one less", b.Remove(t.Context(), k+".a"), "b")
	n, err := b.Count(t.Context(), k)
	if n != 2 || err != nil { // with the one that was removed
		t.Errorf("there are %d, %v", n, err)
	}
	if err := b.Clear(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	if last, err := b.Last(t.Context(), k); last != 0 || err != nil {
		t.Errorf("of what was cleared: %d, %v", last, err)
	}
	if n, err := b.Count(t.Context(), k); n != 0 || err != nil {
		t.Errorf("of that there are %d, %v", n, err)
	}
	wantUnder(t, b, of(t, "other@x"), "x.other.a=of somebody else")
}

// A revision that nobody has any more, since the last change was forgotten, is not waited
// for; one that is to come ends with the context.
func TestWholeAsksForNoMoreThanThereIs(t *testing.T) {
	b, k := openBucket(t), of(t, "group@x")
	put(t, b, k+".a", "1")
	if all, revision, err := b.Whole(t.Context(), k, 1000); len(all) != 1 || revision != 1 || err != nil {
		t.Errorf("%d documents of revision %d, %v", len(all), revision, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, _, err := b.Whole(ctx, k, 1000); err == nil {
		t.Error("no error when there is no time")
	}
	if _, err := b.Last(ctx, k); err == nil {
		t.Error("no error when there is no time")
	}
}
