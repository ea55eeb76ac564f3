package lime

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Addresses compare without regard to case. Subjects and keys are made of the
// folded form; envelopes keep the spelling that was announced. Folding is
// Unicode's simple case folding, which maps one character to one: all spellings
// that strings.EqualFold holds to be equal fold to the same text, and no
// others. There is no normalization: é as one character and as two are
// different names.

// Fold returns i in canonical case. It does not allocate when i is folded
// already.
func (i Identity) Fold() Identity {
	return Identity{fold(i.Name), fold(i.Domain)}
}

// Fold returns n in canonical case. It does not allocate when n is folded
// already.
func (n Node) Fold() Node {
	return Node{n.Identity.Fold(), fold(n.Instance)}
}

// EqualFold tells whether i and j are the same identity, in whatever case. It
// does not allocate.
func (i Identity) EqualFold(j Identity) bool {
	return strings.EqualFold(i.Name, j.Name) && strings.EqualFold(i.Domain, j.Domain)
}

// EqualFold tells whether n and m are the same node, in whatever case. It does
// not allocate.
func (n Node) EqualFold(m Node) bool {
	return n.Identity.EqualFold(m.Identity) && strings.EqualFold(n.Instance, m.Instance)
}

// AppendFold appends s in canonical case to dst. Bytes that are not UTF-8 are
// copied as they are. The result may be longer than s: in UTF-8 a character's
// folded form can take one byte more.
func AppendFold[S string | []byte](dst []byte, s S) []byte { return appendFold(dst, s) }

func fold(s string) string {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				return foldSlow(s, i)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if foldRune(r) != r {
			return foldSlow(s, i)
		}
		i += size
	}
	return s
}

// foldSlow folds s, of which the first n bytes are folded already.
func foldSlow(s string, n int) string {
	dst := make([]byte, 0, len(s)+8)
	dst = append(dst, s[:n]...)
	return string(appendFold(dst, s[n:]))
}

func appendFold[S string | []byte](dst []byte, s S) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError {
			dst = append(dst, s[i:i+size]...)
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += size
	}
	return dst
}

// foldRune returns the one rune that stands for all that differ from r in case
// only: the lower case of the smallest of them. The lower case is not taken
// when it is not one of them (İ has none but itself).
func foldRune(r rune) rune {
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	lower := unicode.ToLower(least)
	for o := unicode.SimpleFold(least); o != least; o = unicode.SimpleFold(o) {
		if o == lower {
			return lower
		}
	}
	return least
}
