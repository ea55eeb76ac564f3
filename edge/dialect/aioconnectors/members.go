package aioconnectors

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// member is one of an object's: its name as it is written between its quotes, where nothing is
// escaped that need not be, and its value.
type member struct{ name, value []byte }

// members are those of a JSON object, in their order. They alias it.
type members []member

// parse reads one JSON object. It is not ok when b is anything else.
func (m *members) parse(b []byte) (ok bool) {
	*m = (*m)[:0]
	if !json.Valid(b) {
		return false
	}
	if b = space(b); b[0] != '{' {
		return false
	}
	for b = space(b[1:]); b[0] != '}'; {
		var one member
		n := ends(b)
		one.name, b = plainName(b[:n]), space(b[n:])
		b = space(b[1:]) // the colon
		n = ends(b)
		one.value, b = b[:n:n], space(b[n:])
		*m = append(*m, one)
		if b[0] == ',' {
			b = space(b[1:])
		}
	}
	return true
}

// plainName is the name that a JSON value is. Written with escapes it could be taken for another
// one here than by who decodes it.
func plainName(value []byte) []byte {
	if bytes.IndexByte(value, '\\') >= 0 {
		if text, ok := textOf(value); ok {
			value = appendText(nil, text)
		}
	}
	return value[1 : len(value)-1]
}

func space(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// ends is where the value ends with which b begins, which is in valid JSON.
func ends(b []byte) (n int) {
	depth := 0
	for {
		switch c := b[n]; c {
		case '"':
			for n++; b[n] != '"'; n++ {
				if b[n] == '\\' {
					n++
				}
			}
			n++
		case '{', '[':
			depth++
			n++
		case '}', ']':
			depth--
			n++
		default:
			n++
			if depth == 0 { // a number or a word
				if end := bytes.IndexAny(b[n:], " \t\r\n,}]"); end >= 0 {
					return n + end
				}
				return len(b)
			}
		}
		if depth == 0 {
			return n
		}
	}
}

// get returns a member's value, of several the last, as Python does; nil when there is none.
func (m members) get(name string) []byte {
	for i := len(m) - 1; i >= 0; i-- {
		if string(m[i].name) == name {
			return m[i].value
		}
	}
	return nil
}

// text returns a member that is a text, which may alias what the members do; nil when it is none.
func (m members) text(name string) []byte {
	text, _ := textOf(m.get(name))
	return text
}

// isTrue tells whether a member is true.
func (m members) isTrue(name string) bool { return string(m.get(name)) == "true" }

// number returns a member that is a whole number above 0; 0 when it is none.
func (m members) number(name string) int64 {
	value := m.get(name)
	if value == nil { // an error costs more
		return 0
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// textOf returns the text that a JSON value is, which aliases it unless it was written with
// escapes.
func textOf(value []byte) (text []byte, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1 : len(value)-1], true
	}
	var unescaped string
	ok = json.Unmarshal(value, &unescaped) == nil
	return []byte(unescaped), ok
}

// isValue tells whether a text could be taken for a JSON value. Most need no second look.
func isValue(text []byte) bool {
	return len(text) > 0 && bytes.IndexByte([]byte("\"{[-0123456789tfn \t\r\n"), text[0]) >= 0 && json.Valid(text)
}

// appendUnquoted appends the text that a JSON value is, which may be none.
func appendUnquoted(dst, value []byte) ([]byte, bool) {
	text, ok := textOf(value)
	return append(dst, text...), ok
}

// appendText appends a text as JSON. What is not UTF-8 is replaced.
func appendText[T []byte | string](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
			dst = utf8.AppendRune(dst, r)
			i += n - 1
		}
	}
	return append(dst, '"')
}

// appendMetadata appends a member's value as that of metadata, which are texts: one that nobody
// takes for another JSON value as it is, anything else as its JSON.
func appendMetadata(dst, value []byte) []byte {
	if text, ok := textOf(value); ok && !isValue(text) {
		return appendText(dst, text)
	}
	return appendText(dst, value)
}

// fromMetadata undoes appendMetadata, of the value as it stands in an envelope. Whatever that
// is, what is returned is one JSON value.
func fromMetadata(value []byte) []byte {
	text, ok := textOf(value)
	switch {
	case !ok:
		return value
	case isValue(text):
		return text
	}
	return value
}
