package lime

import (
	"testing"
)

var sample200 = []byte(`{"id":"6f1c7e0a-55f2-4c8e-9d0e-0d6f3a1b2c3d","from":"alice@example.org/home","to":"bob@example.org","type":"text/plain","content":"See you at the station at half past seven, platform four, coach 12!"}`)

func BenchmarkScan200(b *testing.B) {
	var h Header
	b.ReportAllocs()
	b.SetBytes(int64(len(sample200)))
	for b.Loop() {
		if _, err := h.Scan(sample200); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendRewritten(b *testing.B) {
	var h Header
	if _, err := h.Scan(sample200); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 512)
	from := []byte("alice@example.org/home")
	b.ReportAllocs()
	for b.Loop() {
		dst = h.AppendRewritten(dst[:0], sample200, Rewrite{From: from})
	}
}
