package room

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"limegrove/lime"
)

// Name is a room's text: see the package. The zero value names no room.
type Name string

// ErrName matches every error about what names no room.
var ErrName = errors.New("malformed room")

// What can be wrong with a room. They are made once, since a hostile sender decides how
// often they are returned.
var (
	errEmpty   = fmt.Errorf("%w: an empty segment", ErrName)
	errControl = fmt.Errorf("%w: not UTF-8, or a control character in a path", ErrName)
	errLong    = fmt.Errorf("%w: its address has more than %d characters", ErrName, lime.MaxPart)
	errJSON    = fmt.Errorf("%w: neither a path nor a JSON object", ErrName)
	errNumber  = fmt.Errorf("%w: a number that cannot be kept", ErrName)
)

// What stands between the parts of a text.
const (
	pathMark  = '/' // begins each segment
	pairsMark = '?'
	pairEnd   = ";"
	keyEnd    = "="
)

// The wildcards, as values of a text.
const (
	wildSegment = "*"
	wildValue   = `"*"`
)

// Path returns the room of a path's segments, as lime.URI has them: unescaped. There is at
// least one. An error matches ErrName.
func Path(segments ...string) (Name, error) {
	if len(segments) == 0 {
		return "", errEmpty
	}
	var b []byte
	for _, s := range segments {
		switch {
		case s == "":
			return "", errEmpty
		case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
			return "", errControl
		}
		b = appendEscaped(append(b, pathMark), s)
	}
	return checked(Name(b))
}

// Of returns the room of a JSON object, whose members are its pairs, or of a JSON string,
// which is a path from its first slash on. An error matches ErrName.
func Of(json []byte) (Name, error) {
	v, err := decode(json)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		path, ok := strings.CutPrefix(v, string(pathMark))
		if !ok {
			return "", errJSON
		}
		return Path(strings.Split(path, string(pathMark))...)
	case map[string]any:
		b := []byte{pairsMark}
		for i, key := range sortedKeys(v) {
			if i > 0 {
				b = append(b, pairEnd...)
			}
			b = append(appendEscaped(b, key), keyEnd...)
			if b, err = appendCanonical(b, v[key]); err != nil {
				return "", err
			}
		}
		return checked(Name(b))
	}
	return "", errJSON
}

// checked returns n if it can be addressed.
func checked(n Name) (Name, error) {
	if len(n.Address()) > lime.MaxPart {
		return "", errLong
	}
	return n, nil
}

// isPath tells whether the room is a path.
func (n Name) isPath() bool { return n != "" && n[0] == pathMark }

// Split returns what rooms must have in common for a wildcard to make one of another, and
// the room's values, as they stand in its text. Join undoes it.
func (n Name) Split() (shape string, values []string) {
	switch {
	case n == "":
		return "", nil
	case n.isPath():
		values = strings.Split(string(n[1:]), string(pathMark))
		return string(pathMark) + strconv.Itoa(len(values)), values
	case n == Name(pairsMark):
		return string(n), nil
	}
	var b strings.Builder
	b.WriteByte(pairsMark)
	for pair := range strings.SplitSeq(string(n[1:]), pairEnd) {
		key, value, _ := strings.Cut(pair, keyEnd)
		b.WriteString(key)
		b.WriteString(pairEnd)
		values = append(values, value)
	}
	return b.String(), values
}

// Join returns the room of a shape with these values. An error matches ErrName.
func Join(shape string, values []string) (Name, error) {
	var b strings.Builder
	switch {
	case shape == "":
		return "", errEmpty
	case shape[0] == pathMark:
		for _, v := range values {
			b.WriteByte(pathMark)
			b.WriteString(v)
		}
	default:
		keys := strings.Split(strings.TrimSuffix(shape[1:], pairEnd), pairEnd)
		b.WriteByte(pairsMark)
		for i, v := range values {
			if i >= len(keys) {
				return "", errJSON
			}
			if i > 0 {
				b.WriteString(pairEnd)
			}
			b.WriteString(keys[i] + keyEnd + v)
		}
	}
	n, err := Parse(b.String())
	if err != nil {
		return "", err
	}
	if again, _ := n.Split(); again != shape {
		return "", errJSON
	}
	return n, nil
}

// IsWild tells whether a value of a room is the wildcard.
func IsWild(value string) bool { return value == wildSegment || value == wildValue }

// Wild tells whether one of the room's values is the wildcard.
func (n Name) Wild() bool {
	_, values := n.Split()
	return slices.ContainsFunc(values, IsWild)
}

// AppendJSON appends the room as Of takes it: an object, or the text of a path.
func (n Name) AppendJSON(dst []byte) []byte {
	_, values := n.Split()
	if n.isPath() {
		var path strings.Builder
		for _, v := range values {
			path.WriteByte(pathMark)
			path.WriteString(unescape(v))
		}
		return appendString(dst, path.String())
	}
	dst = append(dst, '{')
	if len(values) > 0 {
		for i, pair := range strings.Split(string(n[1:]), pairEnd) {
			if i > 0 {
				dst = append(dst, ',')
			}
			key, value, _ := strings.Cut(pair, keyEnd)
			dst = append(appendString(dst, unescape(key)), ':')
			dst = append(dst, value...)
		}
	}
	return append(dst, '}')
}
