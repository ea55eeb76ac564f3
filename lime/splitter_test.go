package lime

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// split feeds stream in pieces of the sizes that cut returns, and returns the
// objects, without the white space before them.
func split(stream []byte, cut func(left int) int) (all []string, err error) {
	var s Splitter
	var open []byte
	for len(stream) > 0 {
		piece := stream[:max(1, min(cut(len(stream)), len(stream)))]
		stream = stream[len(piece):]
		for len(piece) > 0 {
			n, done, err := s.Next(piece)
			if err != nil {
				return all, err
			}
			open = append(open, piece[:n]...)
			piece = piece[n:]
			if done {
				all = append(all, string(bytes.TrimLeft(open, " \t\r\n")))
				open = nil
			}
			if s.Inside() != (len(bytes.TrimLeft(open, " \t\r\n")) > 0) {
				return all, errors.New("inside an object and not")
			}
		}
	}
	return all, nil
}

// TestAnySplitYieldsTheSameEnvelopes: L-TRN-04, L-TRN-06, L-TRN-07.
func TestAnySplitYieldsTheSameEnvelopes(t *testing.T) {
	golden := envelopes(t, "envelopes")
	names := sortedKeys(golden)
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []string
		for _, name := range rapid.SliceOf(rapid.SampledFrom(names)).Draw(t, "envelopes") {
			b := golden[name]
			stream = append(stream, b...)
			stream = append(stream, rapid.SampledFrom([]string{"", "\n", " \r\n\t"}).Draw(t, "between")...)
			want = append(want, string(bytes.TrimSpace(b)))
		}
		got, err := split(stream, func(left int) int { return rapid.IntRange(1, left).Draw(t, "piece") })
		if err != nil || len(got) != len(want) {
			t.Fatalf("got %d envelopes, %v; want %d", len(got), err, len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("envelope %d is %q, want %q", i, got[i], want[i])
			}
		}
	})
}

func TestEveryByteAloneYieldsTheSameEnvelope(t *testing.T) {
	for name, b := range envelopes(t, "envelopes") {
		for size := 1; size < 20; size++ {
			got, err := split(b, func(int) int { return size })
			if err != nil || len(got) != 1 || got[0] != string(bytes.TrimSpace(b)) {
				t.Errorf("%s in pieces of %d: %q, %v", name, size, got, err)
			}
		}
	}
}

func TestWhatStandsBetweenEnvelopesEndsTheStream(t *testing.T) {
	var s Splitter
	n, done, err := s.Next([]byte(` {"a":"}"} x{}`))
	if n != 10 || !done || err != nil {
		t.Fatal(n, done, err)
	}
	n, done, err = s.Next([]byte(` x{}`))
	if n != 1 || done || !errors.Is(err, ErrMalformed) {
		t.Fatal(n, done, err)
	}
	if n, done, err = s.Next([]byte(`{}`)); n != 0 || done || !errors.Is(err, ErrMalformed) {
		t.Fatal("it goes on:", n, done, err)
	}
}

func TestSplittingAllocatesNothing(t *testing.T) {
	var s Splitter
	if got := testing.AllocsPerRun(100, func() { _, _, _ = s.Next(sample200) }); got != 0 {
		t.Errorf("it allocates %v times", got)
	}
}

// FuzzSplitter holds the splitter against the scan, and two ways to split the
// same stream against each other.
func FuzzSplitter(f *testing.F) {
	for _, b := range envelopes(f, "envelopes") {
		f.Add(b, uint8(3))
	}
	f.Add([]byte(`{"a":"\\\"}"}{"b":{}}  x`), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		whole, werr := split(b, func(left int) int { return left })
		pieces, perr := split(b, func(int) int { return int(size) })
		if len(whole) != len(pieces) || (werr == nil) != (perr == nil) {
			t.Fatalf("%q is %q, %v; in pieces %q, %v", b, whole, werr, pieces, perr)
		}
		for i := range whole {
			if whole[i] != pieces[i] {
				t.Fatalf("%q is %q; in pieces %q", b, whole, pieces)
			}
		}
		var h Header
		n, err := h.Scan(b)
		if err != nil {
			return
		}
		if len(whole) == 0 || whole[0] != string(b[n-h.Size:n]) {
			t.Fatalf("the scan of %q ends at %d, but the splitter says %q", b, n, whole)
		}
	})
}

func BenchmarkSplitter200(b *testing.B) {
	var s Splitter
	b.SetBytes(int64(len(sample200)))
	for b.Loop() {
		if _, done, _ := s.Next(sample200); !done {
			b.Fatal("no end")
		}
	}
}
