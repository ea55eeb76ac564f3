// Package words has what others have written as a terminal may be given it.
package words

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// unknown stands for what is not shown.
const unknown = '\ufffd'

// Clean takes out of a text what a terminal would obey: control characters, and what turns the direction of what
// follows, are shown as �, but for line ends and tabs. Marks of a direction, which change nothing but their
// neighbours' order and belong to texts of some languages, are left out.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.Is(unicode.Cc, r), r == '\u2028', r == '\u2029':
			return unknown
		case r == '\u200e', r == '\u200f', r == '\u061c':
			return -1
		case unicode.Is(unicode.Bidi_Control, r):
			return unknown
		}
		return r
	}, text)
}

// Content is a message's content as text, which is yet to be cleaned.
func Content(mediaType string, content []byte) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var short bytes.Buffer
	if json.Compact(&short, content) != nil {
		return string(content)
	}
	return mediaType + " " + short.String()
}
