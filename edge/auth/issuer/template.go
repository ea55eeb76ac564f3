package issuer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"limegrove/lime"
)

// template names an identity by claims: text with claims in braces.
type template struct {
	parts  []part
	escape bool // claims are any text
	whole  bool // there is nothing but one claim, which is an identity itself
}

// part is text, or a claim.
type part struct {
	text  string
	claim bool
}

func parseTemplate(s string, escape bool) (t template, err error) {
	t.escape = escape
	for rest := s; rest != ""; {
		text, behind, found := strings.Cut(rest, "{")
		if text != "" {
			t.parts = append(t.parts, part{text: text})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(behind, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return template{}, fmt.Errorf("the identity %q has an open brace, or an empty claim", s)
		}
		t.parts = append(t.parts, part{name, true})
		rest = after
	}
	t.whole = len(t.parts) == 1 && t.parts[0].claim
	if !slices.ContainsFunc(t.parts, func(p part) bool { return p.claim }) {
		return template{}, fmt.Errorf("the identity %q is the same for all tokens", s)
	}
	at := slices.ContainsFunc(t.parts, func(p part) bool { return !p.claim && strings.Contains(p.text, "@") })
	if !t.whole && !at {
		return template{}, fmt.Errorf("the identity %q has no @ between its claims", s)
	}
	if t.whole && escape {
		return template{}, fmt.Errorf("the identity %q is a claim as it is, and cannot be escaped", s)
	}
	return t, nil
}

var errClaim = errors.New("a claim is missing, or cannot be part of an identity")

// identity is what the claims name. A claim that is a part of it has none of the
// characters that part addresses: it cannot name another domain.
func (t template) identity(claims map[string]any) (lime.Identity, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if !p.claim {
			b.WriteString(p.text)
			continue
		}
		value, ok := claims[p.text].(string)
		if t.escape {
			value = string(lime.AppendEscapedName(nil, value))
		}
		if !ok || value == "" || !t.whole && strings.ContainsAny(value, "@/") || strings.ContainsFunc(value, foldsToASCII) {
			return lime.Identity{}, errClaim
		}
		b.WriteString(value)
	}
	id, err := lime.ParseIdentity(b.String())
	if err != nil || id.Name == "" || id.Domain == "" {
		return lime.Identity{}, errClaim
	}
	return id, nil
}

// foldsToASCII tells whether a character is none of ASCII but counts as one, since identities
// compare in whatever case: an issuer takes a name with it for another one.
func foldsToASCII(r rune) bool {
	for f := unicode.SimpleFold(r); r > unicode.MaxASCII && f != r; f = unicode.SimpleFold(f) {
		if f <= unicode.MaxASCII {
			return true
		}
	}
	return false
}
