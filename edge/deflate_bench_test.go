package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"limegrove/lime"
)

// envelopeOf is an envelope of about n bytes as people send them: short texts, or a document of many fields. It is
// always the same one.
func envelopeOf(n int) []byte {
	const head = `{"id":"0f8fad5b-d9cb-469f-a165-70867728950e","from":"ana@example.org/home","to":"rui@example.org/desk",`
	words := strings.Fields("the of to and in is for that on with be as was it this are you have from not can we will order delivery your next please confirm address between meeting tomorrow morning thanks ticket number customer support payment received question about")
	r := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		return b.String()[:n]
	}
	if n < 512 {
		body := head[:0] + `{"id":"m7281","to":"rui@example.org","type":"text/plain","content":"`
		return []byte(body + text(max(n-len(body)-2, 0)) + `"}`)
	}
	type option struct {
		Order int    `json:"order"`
		ID    string `json:"id"`
		Label string `json:"text"`
		Price int    `json:"price"`
	}
	var options []option
	for size := 0; size < n-len(head)-160; {
		o := option{len(options), fmt.Sprintf("%08x", r.Uint32()), text(20 + r.IntN(60)), r.IntN(10_000)}
		b, _ := json.Marshal(o)
		size += len(b) + 1
		options = append(options, o)
	}
	b, _ := json.Marshal(options)
	return []byte(head + `"type":"application/vnd.lime.select+json","content":{"text":"` + text(60) + `","options":` + string(b) + `}}`)
}

var envelopeSizes = []int{128, 1 << 10, 16 << 10}

func TestEnvelopesForBenchmarksAreSome(t *testing.T) {
	for _, n := range envelopeSizes {
		b := envelopeOf(n)
		var h lime.Header
		if size, err := h.Scan(b); err != nil || size != len(b) || len(b) < n*3/4 || len(b) > n*5/4 {
			t.Errorf("%d bytes, of which %d are an envelope: %v", len(b), size, err)
		}
	}
}

// BenchmarkDeflate is what it costs to compress an envelope, and to what part of its length.
func BenchmarkDeflate(b *testing.B) {
	for _, size := range envelopeSizes {
		for _, level := range []int{1, 3, 5, 6, 9} {
			b.Run(fmt.Sprintf("size=%d/level=%d", size, level), func(b *testing.B) {
				message := envelopeOf(size)
				d := newDeflater(level)
				b.ReportAllocs()
				b.SetBytes(int64(len(message)))
				for b.Loop() {
					d.compress(message)
				}
				b.ReportMetric(float64(d.out.Len())/float64(len(message)), "ratio")
			})
		}
	}
}

// BenchmarkInflate is what it costs to have an envelope back.
func BenchmarkInflate(b *testing.B) {
	for _, size := range envelopeSizes {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			message := envelopeOf(size)
			d := newDeflater(6)
			d.compress(message)
			var i inflater
			b.ReportAllocs()
			b.SetBytes(int64(len(message)))
			for b.Loop() {
				if _, err := i.inflate(d.out.Bytes(), len(message)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInflateHostile is what the longest messages cost that mean to cost most, for each of their kinds: ns/op is for how long a loop
// does nothing else.
func BenchmarkInflateHostile(b *testing.B) {
	for name, message := range hostileMessages(512 << 10) {
		b.Run(name, func(b *testing.B) {
			var i inflater
			var out int
			for b.Loop() {
				m, err := i.inflate(message, 512<<10)
				out = len(m)
				if err != nil {
					out = -1
				}
			}
			b.ReportMetric(float64(len(message)), "in")
			b.ReportMetric(float64(out), "out")
		})
	}
}

// hostileMessages are compressed messages of most bytes at the most.
func hostileMessages(most int) map[string][]byte {
	d := newDeflater(9)
	d.compress(bytes.Repeat([]byte(" "), most))
	return map[string][]byte{
		"bomb":   append([]byte(nil), d.out.Bytes()...),
		"tables": uselessTables(most),
		"empty":  append(bytes.Repeat([]byte{0x00, 0x00, 0x00, 0xff, 0xff}, most/5-1), 0),
		"finals": bytes.Repeat([]byte{0x03, 0x00}, most/2),
	}
}

// uselessTables are blocks with codes of their own that say nothing but their end: what takes longest for its
// length. RFC 1951, section 3.2.7.
func uselessTables(most int) []byte {
	lengths := make([]int, 263) // of the codes of literals: as many as can be have the longest one, which are dear
	for i := range lengths {
		lengths[i] = 15
	}
	for i := range 6 {
		lengths[i] = i + 2
	}
	lengths[256] = 1 // the end's
	// The lengths of the codes for lengths, of which 16 is a repetition.
	codes := map[int]int{16: 1, 15: 3, 1: 3, 2: 3, 7: 4, 3: 6, 4: 6, 5: 6, 6: 6}
	given, next := map[int]int{}, 0
	for length := 1; length <= 7; length++ { // by length, and then by symbol: section 3.2.2
		for symbol := range 17 {
			if codes[symbol] == length {
				given[symbol] = next
				next++
			}
		}
		next <<= 1
	}
	var w bitWriter
	for len(w.b) < most-64 {
		w.bits(0, 1) // not the last block
		w.bits(2, 2) // codes of its own
		w.bits(len(lengths)-257, 5)
		w.bits(0, 5) // one for distances
		w.bits(19-4, 4)
		for _, symbol := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
			w.bits(codes[symbol], 3)
		}
		for i := 0; i < len(lengths); {
			again := 0
			for again < 6 && i > 0 && i+again < len(lengths) && lengths[i+again] == lengths[i-1] {
				again++
			}
			if again >= 3 {
				w.code(given[16], codes[16])
				w.bits(again-3, 2)
				i += again
				continue
			}
			w.code(given[lengths[i]], codes[lengths[i]])
			i++
		}
		w.code(given[1], codes[1]) // the length of a distance's code
		w.code(0, 1)               // the end
	}
	w.bits(0, 3) // and a block that is empty, as behind every message
	return w.b
}

// bitWriter packs bits. RFC 1951, section 3.1.1.
type bitWriter struct {
	b    []byte
	free int // bits of the last byte
}

// bits writes a number of n bits.
func (w *bitWriter) bits(v, n int) {
	for i := range n {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (8 - w.free)
		w.free--
	}
}

// code writes a code of n bits, whose first bit comes first.
func (w *bitWriter) code(v, n int) {
	for i := n - 1; i >= 0; i-- {
		w.bits(v>>i&1, 1)
	}
}
