// Package footprint has tests say how large types are of which there is one for every session,
// and keeps them from growing unnoticed.
package footprint

import "testing"

// Part is a type of which every session has one.
type Part struct {
	What  string  // its name, and what it is
	Bytes uintptr // of unsafe.Sizeof
	Most  uintptr // that it may have: a size class of the allocator, since a byte above one costs the next
}

// Check fails when a part is above its bound, and logs all as a table.
func Check(t testing.TB, parts ...Part) {
	t.Helper()
	for _, p := range parts {
		class := Class(p.Bytes)
		t.Logf("%-60s %4d B, allocated as %4d B", p.What, p.Bytes, class)
		if p.Bytes > p.Most {
			t.Errorf("%s: %d bytes, want %d at most: each session would cost %d more", p.What, p.Bytes, p.Most, class-Class(p.Most))
		}
	}
}

// Class is what the allocator takes for an object of so many bytes.
func Class(n uintptr) uintptr {
	return uintptr(cap(append([]byte(nil), make([]byte, n)...)))
}
