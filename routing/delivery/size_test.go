package delivery

import (
	"testing"
	"unsafe"
)

// A session that nothing has come for has two of these, and no more of this package.
func TestAFollowIsSmallUntilSomethingComes(t *testing.T) {
	if size := unsafe.Sizeof(Follow{}); size > 32 {
		t.Errorf("a Follow takes %d bytes, want 32 at most", size)
	}
	f := Follow{}
	f.Start(7)
	f.Tails(Tail{Last: 5, Through: 9}, Tail{Through: 3})
	f.Anew()
	f.Start(8)
	f.Tails(Tail{Last: 8, Through: 9}, Tail{Through: 4})
	if f.Floor() != 8 || !f.Live() {
		t.Errorf("it is live: %v, at %d", f.Live(), f.Floor())
	}
	if got := testing.AllocsPerRun(10, func() { f.Raised(); f.Held(); f.End(); f.Review(true); f.Release([]uint64{1}) }); got > 0 {
		t.Errorf("asking it makes %v objects", got)
	}
}
