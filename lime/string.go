package lime

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// A word of eight bytes, for looking at eight at once.
const (
	ones      = 0x0101010101010101
	highs     = 0x8080808080808080
	quotes    = '"' * ones
	slashes   = '\\' * ones
	firstText = ' ' * ones
)

// ends marks in the high bit of each byte of x that it ends a run of plain
// text: a quote, a backslash, a control character. Of the marks only the
// lowest is sure: a borrow may set those above it. Bytes above ASCII are plain.
func ends(x uint64) uint64 {
	return ((x - firstText) | ((x ^ quotes) - ones) | ((x ^ slashes) - ones)) & ^x & highs
}

// str takes the offset after an opening quote and returns the offset of the
// closing one. It tells whether there are escapes in between.
func (s *scanner) str(i int) (end int, escaped bool) {
	b, start := s.b, i
	var high uint64
	for {
		for ; i+8 <= len(b); i += 8 {
			x := binary.LittleEndian.Uint64(b[i:])
			if m := ends(x); m != 0 {
				at := bits.TrailingZeros64(m)
				high |= x & (1<<at - 1)
				i += at >> 3
				goto found
			}
			high |= x
		}
		for ; i < len(b); i++ {
			if c := b[i]; c < ' ' || c == '"' || c == '\\' {
				goto found
			} else if c >= utf8.RuneSelf {
				high = highs
			}
		}
		if high&highs != 0 && s.utf8Prefix(start) == stop {
			return stop, false
		}
		return s.short(), false

	found:
		if high&highs != 0 && !utf8.Valid(b[start:i]) {
			s.utf8Prefix(start)
			return stop, false
		}
		switch b[i] {
		case '"':
			return i, escaped
		case '\\':
			if i = s.escape(i); i == stop {
				return stop, false
			}
			start, high, escaped = i, 0, true
		default:
			return s.fail(i, "control character in a string"), false
		}
	}
}

// utf8Prefix looks for the first bytes from i on that are not UTF-8; what may
// become a character with more bytes is none. It stops there, and returns the
// end otherwise.
func (s *scanner) utf8Prefix(i int) int {
	for i < len(s.b) {
		r, size := utf8.DecodeRune(s.b[i:])
		if r == utf8.RuneError && size == 1 {
			if !utf8.FullRune(s.b[i:]) {
				break
			}
			return s.fail(i, "not UTF-8")
		}
		i += size
	}
	return i
}

// escape takes the offset of a backslash in a string and returns the one after
// the escape. A surrogate needs its other half.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.b) {
		return s.short()
	}
	switch s.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return s.fail(i, "no such escape")
	}
	// A surrogate is d8 to db, and needs another one, dc to df, behind it. Each
	// is told by its first two digits, before the end is there.
	if s.lowHalf(i + 2) {
		return s.fail(i, "half a surrogate pair")
	}
	r, next := s.hex(i)
	if next == stop || r < 0xd800 || r > 0xdfff {
		return next
	}
	for j, c := range []byte(`\u`) {
		if next+j >= len(s.b) {
			return s.short()
		}
		if s.b[next+j] != c {
			return s.fail(i, "half a surrogate pair")
		}
	}
	if next+3 < len(s.b) && !s.lowHalf(next+2) || next+2 < len(s.b) && s.b[next+2]|0x20 != 'd' {
		return s.fail(i, "half a surrogate pair")
	}
	_, next = s.hex(next)
	return next
}

// lowHalf tells whether the digits at i are those of a surrogate that comes
// second.
func (s *scanner) lowHalf(i int) bool {
	return i+1 < len(s.b) && s.b[i]|0x20 == 'd' && 'c' <= s.b[i+1]|0x20 && s.b[i+1]|0x20 <= 'f'
}

// hex reads the \uXXXX at i and returns the offset after it.
func (s *scanner) hex(i int) (r rune, next int) {
	for j := i + 2; j < i+6; j++ {
		if j >= len(s.b) {
			return 0, s.short()
		}
		d := hexDigit(s.b[j])
		if d < 0 {
			return 0, s.fail(i, "no such escape")
		}
		r = r<<4 | d
	}
	return r, i + 6
}

func hexDigit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return stop
}
