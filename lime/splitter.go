package lime

import (
	"encoding/binary"
	"math/bits"
)

// Splitter finds where the objects end in a stream of envelopes that comes in
// pieces (L-TRN-04, L-TRN-07). It counts braces outside strings, looks at each
// byte once, keeps none, and can stop anywhere, within an escape or a
// character too. That the objects are right is for Scan to say. The zero
// Splitter stands before the first object.
type Splitter struct {
	depth  int
	text   bool // inside a string
	escape bool // behind a backslash
	broken bool
}

// Next borrows the next bytes of the stream. It consumes up to and with the
// closing brace of the object that is open, or the first one: then done is
// true, the n bytes end the object, and the rest is for another call. Else n
// is len(b). White space before an object counts to it.
//
// An error matches ErrMalformed and is told of the byte at n: it stands
// between two objects and is neither white space nor a brace. So it is for
// good.
func (s *Splitter) Next(b []byte) (n int, done bool, err error) {
	i := 0
	if s.depth == 0 {
		for i < len(b) && !s.broken {
			c := b[i]
			if c == '{' {
				s.depth = 1
				i++
				break
			}
			if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
				s.broken = true
				break
			}
			i++
		}
		if s.broken {
			return i, false, errBetween
		}
	}
	for i < len(b) {
		if s.text {
			i = s.skipText(b, i)
			continue
		}
		switch b[i] {
		case '"':
			s.text = true
		case '{':
			s.depth++
		case '}':
			if s.depth--; s.depth == 0 {
				return i + 1, true, nil
			}
		}
		i++
	}
	return i, false, nil
}

// Inside tells whether an object is open: what comes next continues it.
func (s *Splitter) Inside() bool { return s.depth > 0 }

// skipText goes on in a string at i, and returns the offset after its end, or
// len(b).
func (s *Splitter) skipText(b []byte, i int) int {
	if s.escape && i < len(b) {
		s.escape = false
		i++
	}
	for i < len(b) {
		if i+8 <= len(b) {
			m := ends(binary.LittleEndian.Uint64(b[i:]))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := b[i]
		i++
		switch c {
		case '"':
			s.text = false
			return i
		case '\\':
			if i == len(b) {
				s.escape = true
				return i
			}
			i++
		}
	}
	return i
}
