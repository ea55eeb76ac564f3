package subject

import "testing"

// BenchmarkAppendTo is the subject of an envelope's address, as each hop makes it.
func BenchmarkAppendTo(b *testing.B) {
	domain, name, instance := []byte("example.org"), []byte("ana"), []byte("phone")
	var s Scratch
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendTo(dst[:0], domain, name, instance, &s)
	}
}

// BenchmarkSplitTo is what a hub reads of the subject of what has come.
func BenchmarkSplitTo(b *testing.B) {
	const subject = "to.org.example.@.ana.phone"
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := SplitTo(subject); !ok {
			b.Fatal("no subject of an address")
		}
	}
}

// BenchmarkReply is a reply subject, written by the sender's edge and read by
// the recipient's.
func BenchmarkReply(b *testing.B) {
	prefix := ReplyPrefix("limegrove-edge-7d9f8b6c5-x2x4z-4f1b9a")
	subject := string(AppendReply(nil, prefix, 1, 123_456))
	b.Run("append", func(b *testing.B) {
		dst := make([]byte, 0, 256)
		b.ReportAllocs()
		for b.Loop() {
			dst = AppendReply(dst[:0], prefix, 1, 123_456)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := ParseReply(subject); !ok {
				b.Fatal("no reply")
			}
		}
	})
}
