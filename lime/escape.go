package lime

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// AppendEscapedName appends a text of any kind as the name of an identity: everything is
// escaped as in a URI but small letters, digits and a few signs. Names compare without
// regard to case and texts do not, which is why capitals are escaped: different texts have
// different names, and none has the server's. A name longer than MaxPart is none.
func AppendEscapedName(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	if text == Postmaster {
		return append(append(dst, "%70"...), text[1:]...)
	}
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~*=;,!$()[]{}|", c) >= 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}

// UnescapeName returns the text of a name that AppendEscapedName has written, in whatever
// case it comes. An error matches ErrAddress.
func UnescapeName(name string) (string, error) {
	text, err := url.PathUnescape(strings.ToLower(name))
	if err != nil || !utf8.ValidString(text) {
		return "", ErrAddress
	}
	return text, nil
}
