package lime

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// MaxPart is how many characters (code points) a name, a domain or an instance
// may have.
const MaxPart = 1023

// ErrAddress matches every error about text that is no address.
var ErrAddress = errors.New("malformed address")

// What can be wrong with an address. They are made once, since a hostile
// sender decides how often they are returned.
var (
	errNobody    = fmt.Errorf("%w: neither a name nor a domain", ErrAddress)
	errNoDomain  = fmt.Errorf("%w: nothing after the @", ErrAddress)
	errSecondAt  = fmt.Errorf("%w: a second @ before the instance", ErrAddress)
	errNameRune  = fmt.Errorf("%w: a name has none of \" & ' / : < > @", ErrAddress)
	errControl   = fmt.Errorf("%w: a control character or a line break", ErrAddress)
	errNotUTF8   = fmt.Errorf("%w: not UTF-8", ErrAddress)
	errPartLong  = fmt.Errorf("%w: a part has more than %d characters", ErrAddress, MaxPart)
	errInstanced = fmt.Errorf("%w: an identity has no instance", ErrAddress)
)

// cutNode splits s at its first slash, and what is before it at its @.
func cutNode[S string | []byte](s S) (name, domain, instance S, err error) {
	head := s
	slash, at := -1, -1
	for i := 0; i < len(s) && slash < 0; i++ {
		switch s[i] {
		case '/':
			slash, head, instance = i, s[:i], s[i+1:]
		case '@':
			if at >= 0 {
				return name, domain, instance, errSecondAt
			}
			at = i
		}
	}
	switch {
	case len(head) == 0 || at == 0 && len(head) == 1:
		return name, domain, instance, errNobody
	case at < 0:
		name = head
	case at == len(head)-1:
		return name, domain, instance, errNoDomain
	default:
		name, domain = head[:at], head[at+1:]
	}
	if err = checkPart(name, true); err == nil {
		if err = checkPart(domain, false); err == nil {
			err = checkPart(instance, false)
		}
	}
	return name, domain, instance, err
}

// checkPart holds one part against the grammar. Control characters are
// refused in all of them, which LIME's grammar would allow in most: keys and
// subjects are made of addresses.
func checkPart[S string | []byte](s S, name bool) error {
	n := 0
	for i := 0; i < len(s); n++ {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return errControl
			}
			if name {
				switch c {
				case '"', '&', '\'', '/', ':', '<', '>', '@':
					return errNameRune
				}
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && size == 1 {
			return errNotUTF8
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return errControl
		}
		i += size
	}
	if n > MaxPart {
		return errPartLong
	}
	return nil
}
