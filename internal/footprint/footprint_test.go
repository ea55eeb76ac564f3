package footprint

import (
	"testing"
)

func TestClassesAreThoseOfTheAllocator(t *testing.T) {
	for n, want := range map[uintptr]uintptr{1: 8, 8: 8, 9: 16, 96: 96, 97: 112, 145: 160, 192: 192, 193: 208} {
		if got := Class(n); got != want {
			t.Errorf("%d bytes take %d, want %d", n, got, want)
		}
	}
}

// failing is a test that notes what it is told.
type failing struct {
	testing.TB
	failed bool
}

func (*failing) Helper()                 {}
func (*failing) Logf(string, ...any)     {}
func (f *failing) Errorf(string, ...any) { f.failed = true }

func TestWhatGrowsIsNoticed(t *testing.T) {
	for bytes, want := range map[uintptr]bool{95: false, 96: false, 97: true} {
		f := &failing{TB: t}
		Check(f, Part{What: "it", Bytes: bytes, Most: 96})
		if f.failed != want {
			t.Errorf("%d of 96 bytes fail: %v", bytes, f.failed)
		}
	}
}
