package lime

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep an envelope may nest, itself counted. It is what .NET's
// JSON readers take by default, so that no client is sent what it cannot read.
const MaxDepth = 64

// scanner checks JSON (RFC 8259) byte by byte and decodes nothing. Its methods
// are given an offset and return the next one, or stop when they have found
// err.
type scanner struct {
	b   []byte
	err error
}

// stop is the offset that a method of scanner returns after an error.
const stop = -1

func (s *scanner) fail(at int, text string) int {
	s.err = &SyntaxError{Offset: at, Text: text}
	return stop
}

func (s *scanner) short() int {
	s.err = ErrShort
	return stop
}

// space returns the offset of the next byte that is not white space, or stop
// at the end of b.
func (s *scanner) space(i int) int {
	for ; i < len(s.b); i++ {
		switch s.b[i] {
		case ' ', '\t', '\n', '\r':
		default:
			return i
		}
	}
	return s.short()
}

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

// literal checks that word stands at i.
func (s *scanner) literal(i int, word string) int {
	for j := range len(word) {
		if i+j >= len(s.b) {
			return s.short()
		}
		if s.b[i+j] != word[j] {
			return s.fail(i+j, "no JSON value")
		}
	}
	return i + len(word)
}

// number returns the offset after the number at i.
func (s *scanner) number(i int) int {
	b := s.b
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = s.digits(i); i == stop {
		return stop
	}
	if i < len(b) && b[i] == '.' {
		if i = s.digits(i + 1); i == stop {
			return stop
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits returns the offset after the digits at i, of which there is at least
// one.
func (s *scanner) digits(i int) int {
	start := i
	for i < len(s.b) && '0' <= s.b[i] && s.b[i] <= '9' {
		i++
	}
	if i > start {
		return i
	}
	if i == len(s.b) {
		return s.short()
	}
	return s.fail(i, "no digit where one must be")
}

// scalar returns the offset after the value at i, which is neither an object
// nor an array.
func (s *scanner) scalar(i int) int {
	switch c := s.b[i]; {
	case c == '"':
		end, _ := s.str(i + 1)
		if end == stop {
			return stop
		}
		return end + 1
	case c == '-' || '0' <= c && c <= '9':
		return s.number(i)
	case c == 't':
		return s.literal(i, "true")
	case c == 'f':
		return s.literal(i, "false")
	case c == 'n':
		return s.literal(i, "null")
	}
	return s.fail(i, "no JSON value")
}

// value returns the offset after the value at i, which is inside depth objects
// and arrays.
func (s *scanner) value(i, depth int) int {
	if c := s.b[i]; c != '{' && c != '[' {
		return s.scalar(i)
	}
	return s.nested(i, depth)
}

// nested returns the offset after the object or array at i. Which of the two
// is open at which depth is a bit each.
func (s *scanner) nested(i, depth int) int {
	b, outside := s.b, depth
	var objects uint64 // the lowest bit is the innermost
	for {
		// i is at a value, or at the end of an array.
		switch b[i] {
		case '{', '[':
			if depth == MaxDepth {
				s.err = ErrTooDeep
				return stop
			}
			depth++
			objects <<= 1
			object := b[i] == '{'
			if i = s.space(i + 1); i == stop {
				return stop
			}
			if !object {
				if b[i] != ']' {
					continue
				}
				break
			}
			objects |= 1
			if b[i] != '}' {
				if i = s.key(i); i == stop {
					return stop
				}
				continue
			}
		default:
			if i = s.scalar(i); i == stop {
				return stop
			}
			if i = s.space(i); i == stop {
				return stop
			}
		}
		// i is after a value, or at the end of an empty object or array.
		for {
			object := objects&1 != 0
			if c := b[i]; object && c == '}' || !object && c == ']' {
				i++
				if depth--; depth == outside {
					return i
				}
				objects >>= 1
				if i = s.space(i); i == stop {
					return stop
				}
				continue
			}
			if b[i] != ',' {
				return s.fail(i, "neither a comma nor the end")
			}
			if i = s.space(i + 1); i == stop {
				return stop
			}
			if object {
				if i = s.key(i); i == stop {
					return stop
				}
			}
			break
		}
	}
}

// key takes the offset of a member's name and returns that of its value.
func (s *scanner) key(i int) int {
	if s.b[i] != '"' {
		return s.fail(i, "no name of a member")
	}
	end, _ := s.str(i + 1)
	if end == stop {
		return stop
	}
	return s.colon(end + 1)
}

// colon takes the offset after a member's name and returns that of its value.
func (s *scanner) colon(i int) int {
	if i < len(s.b) && s.b[i] == ':' {
		i++
	} else {
		if i = s.space(i); i == stop {
			return stop
		}
		if s.b[i] != ':' {
			return s.fail(i, "no colon after a name")
		}
		i++
	}
	if i < len(s.b) && s.b[i] > ' ' {
		return i
	}
	return s.space(i)
}

// members takes the offset of an object that is inside of another and calls
// member with the name and the value of each of its members. It returns the
// offset after the object.
func (s *scanner) members(i int, member func(name, value span)) int {
	if i = s.space(i + 1); i == stop {
		return stop
	}
	if s.b[i] == '}' {
		return i + 1
	}
	for {
		name := i
		value := s.key(i)
		if value == stop {
			return stop
		}
		if i = s.value(value, 2); i == stop {
			return stop
		}
		member(span{name, value}, span{value, i})
		if i = s.space(i); i == stop {
			return stop
		}
		switch s.b[i] {
		case '}':
			return i + 1
		case ',':
		default:
			return s.fail(i, "neither a comma nor the end")
		}
		if i = s.space(i + 1); i == stop {
			return stop
		}
	}
}
