package room

import (
	"net/url"
	"strings"

	"limegrove/lime"
)

// Address is the name of the room's identity: its text, escaped.
func (n Name) Address() string { return string(lime.AppendEscapedName(nil, string(n))) }

// FromAddress returns the room that has an address, in whatever case it comes. An error
// matches ErrName.
func FromAddress(name string) (Name, error) {
	text, err := lime.UnescapeName(name)
	if err != nil {
		return "", errJSON
	}
	return Parse(text)
}

// Parse returns the room of a text. An error matches ErrName.
func Parse(text string) (Name, error) {
	if text == "" || text[0] != pathMark && text[0] != pairsMark {
		return "", errJSON
	}
	// What is written again as a room is one, and differs when it was not in its own form.
	n, err := Of(Name(text).AppendJSON(nil))
	switch {
	case err != nil:
		return "", err
	case string(n) != text:
		return "", errJSON
	}
	return n, nil
}

// appendEscaped appends s without what stands between the parts of a text, nor a quote, so
// that no segment looks like a JSON text.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		c := s[i]
		if strings.IndexByte(`%/;="`, c) < 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}

// unescape undoes appendEscaped, which every text has gone through.
func unescape(s string) string {
	text, err := url.PathUnescape(s)
	if err != nil {
		return s // Parse sees that it is not in its own form
	}
	return text
}
