package room

import (
	"net/url"
	"strings"
)

// Address is the name of the room's identity: its text, with everything escaped but small
// letters, digits and a few signs. Addresses compare without regard to case and rooms do not,
// which is why capitals are.
func (n Name) Address() string { return string(appendPercent(nil, string(n), true)) }

// FromAddress returns the room that has an address, in whatever case it comes. An error
// matches ErrName.
func FromAddress(name string) (Name, error) {
	text, err := url.PathUnescape(strings.ToLower(name))
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

// appendEscaped appends what stands between the marks of a text.
func appendEscaped(dst []byte, s string) []byte { return appendPercent(dst, s, false) }

// appendPercent appends s with bytes escaped as in a URI: the marks of a text, or for an
// address all that needs it.
func appendPercent(dst []byte, s string, address bool) []byte {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		c := s[i]
		if stands(c, address) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}

// stands tells whether a byte need not be escaped.
func stands(c byte, address bool) bool {
	switch {
	case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		return true
	case address:
		return strings.IndexByte("-._~*=;,!$()[]{}|", c) >= 0
	}
	return strings.IndexByte(`%/;="`, c) < 0 // the quote, so that no segment looks like a JSON text
}

// unescape undoes appendEscaped, which every text has gone through.
func unescape(s string) string {
	text, err := url.PathUnescape(s)
	if err != nil {
		return s // Parse sees that it is not in its own form
	}
	return text
}
