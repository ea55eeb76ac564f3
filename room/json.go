package room

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds how deep a value may be nested.
const maxDepth = 16

// decode reads the one JSON value in b. Of two members with one key the last one counts, as
// it does in what high-templar's servers and clients are written in.
func decode(b []byte) (v any, err error) {
	if tooDeep(b) {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, errJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errJSON
	}
	return v, nil
}

// tooDeep tells whether b may nest deeper than a room's value may. Brackets in its texts
// count as well, which nobody misses.
func tooDeep(b []byte) bool {
	depth := 0
	for _, c := range b {
		switch c {
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// appendCanonical appends a decoded value so that equal ones have one text, and without
// what ends a pair.
func appendCanonical(dst []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case json.Number:
		return appendNumber(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendCanonical(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case map[string]any:
		dst = append(dst, '{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, key), ':')
			if dst, err = appendCanonical(dst, v[key]); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
	return nil, errJSON
}

// appendNumber appends a number. One with a point or an exponent is another one than the
// whole number of its worth, as it is for high-templar.
func appendNumber(dst []byte, n json.Number) ([]byte, error) {
	if !strings.ContainsAny(string(n), ".eE") {
		if n == "-0" {
			n = "0"
		}
		return append(dst, n...), nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return nil, errNumber
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64), nil
}

// appendString appends a JSON string without what ends a pair or is not ASCII's to escape.
func appendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	quoted := bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
	return append(dst, bytes.ReplaceAll(quoted, []byte(pairEnd), []byte(`\u003b`))...)
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
