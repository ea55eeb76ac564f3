package lime

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
