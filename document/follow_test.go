package document

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

func TestWhatThereIsIsToldAndThenWhatChanges(t *testing.T) {
	b := openBucket(t)
	put(t, b, "a", "1")
	put(t, b, "b", "2")
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan string, 16)
	ended := make(chan error)
	go func() {
		ended <- b.Follow(ctx, func(c Change) { told <- fmt.Sprintf("%s=%s removed=%t all=%t", c.Key, c.Value, c.Removed, c.All) })
	}()
	next := func(n int) (some []string) {
		for range n {
			some = append(some, <-told)
		}
		return some
	}
	if got, want := next(3), []string{"a=1 removed=false all=false", "b=2 removed=false all=false", "= removed=false all=true"}; !slices.Equal(got, want) {
		t.Errorf("at first %q, want %q", got, want)
	}
	put(t, b, "b", "3")
	if err := b.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got, want := next(2), []string{"b=3 removed=false all=false", "a= removed=true all=false"}; !slices.Equal(got, want) {
		t.Errorf("then %q, want %q", got, want)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("at the end: %v", err)
	}
}
