package account

import "limegrove/lime"

// maxKey keeps a key's subjects well inside one line of the NATS protocol,
// which holds 4,096 bytes.
const maxKey = 2048

// key returns <domain>.<name> of the folded identity, as the bucket's key.
//
// Each part is one token of a subject, so that a filter on the first finds the
// accounts of one domain: letters, digits, - and _ stand for themselves, any
// other byte is = and two upper-case hexadecimal digits. So it is reversible.
func key(id lime.Identity) (string, error) {
	id = id.Fold()
	if id.Name == "" || id.Domain == "" {
		return "", lime.NewReason(lime.CodeValidationInvalidIdentity, "An account needs a name and a domain")
	}
	k := make([]byte, 0, len(id.Domain)+1+len(id.Name)+16)
	k = appendEscaped(k, id.Domain)
	k = append(k, '.')
	k = appendEscaped(k, id.Name)
	if len(k) > maxKey {
		return "", lime.NewReason(lime.CodeValidationInvalidIdentity, "The identity is too long for an account")
	}
	return string(k), nil
}

func appendEscaped(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range []byte(s) {
		if plain(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '=', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
