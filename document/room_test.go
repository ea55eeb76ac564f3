package document

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// Whoever asks while there is no room costs nothing: all is looked at once.
func TestRoomIsLookedForOnce(t *testing.T) {
	b := openBucket(t)
	const most = 20
	for i := range most {
		put(t, b, Key(fmt.Sprintf("t=2Eorg.k%d", i)), "x")
	}
	r := b.Room("t=2Eorg", most)
	var asking sync.WaitGroup
	for range 64 {
		asking.Go(func() {
			if ok, err := r.Take(t.Context()); err != nil || ok {
				t.Errorf("there is room: %t, %v", ok, err)
			}
		})
	}
	asking.Wait()
	until := r.until
	if !time.Now().Before(until) {
		t.Fatal("it is not remembered")
	}
	if err := b.Remove(t.Context(), "t=2Eorg.k0"); err != nil {
		t.Fatal(err)
	}
	if ok, err := r.Take(t.Context()); err != nil || ok {
		t.Errorf("nobody has told of a removal, and there is room: %t, %v", ok, err)
	}
	if !r.until.Equal(until) {
		t.Error("all was looked at again")
	}
	r.Freed()
	for _, want := range []bool{true, false} {
		if ok, err := r.Take(t.Context()); err != nil || ok != want {
			t.Errorf("in place of one there is room: %t, %v, want %t", ok, err, want)
		}
	}
	r.until = time.Time{} // it is later
	for _, want := range []bool{true, false} {
		if ok, err := r.Take(t.Context()); err != nil || ok != want {
			t.Errorf("later there is room: %t, %v, want %t", ok, err, want)
		}
	}
	if ok, err := b.Room("other", most).Take(t.Context()); err != nil || !ok {
		t.Errorf("elsewhere there is room: %t, %v", ok, err)
	}
}
