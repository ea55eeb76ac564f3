package document

import "limegrove/lime"

// maxKey keeps a key's subjects well inside one line of the NATS protocol,
// which holds 4,096 bytes.
const maxKey = 2048

// Key is where a document is. It begins with whose it is: a key and a dot are the
// beginning of the keys of all that is below it.
//
// Each part is one token of a subject, so that filters find what is below a part:
// letters, digits, - and _ stand for themselves, any other byte is = and two
// upper-case hexadecimal digits. So it is reversible.
type Key string

// Of returns <domain>.<name> of the folded identity. It needs both; an error is a
// *lime.Reason with CodeValidationInvalidIdentity.
func Of(id lime.Identity) (Key, error) { return Key("").Identity(id) }

// Identity returns the key of what k has for an identity, which is folded: two more
// parts. Errors are those of Of.
func (k Key) Identity(id lime.Identity) (Key, error) {
	id = id.Fold()
	if id.Name == "" || id.Domain == "" {
		return "", lime.NewReason(lime.CodeValidationInvalidIdentity, "An identity needs a name and a domain here")
	}
	b := k.room(len(id.Domain) + len(id.Name))
	b = appendEscaped(b, id.Domain)
	b = append(b, '.')
	b = appendEscaped(b, id.Name)
	return checked(b)
}

// Part returns the key of what k has under a text, which is taken as it is: one more
// part. It is not empty. Errors are those of Of.
func (k Key) Part(text string) (Key, error) {
	if text == "" {
		return "", lime.NewReason(lime.CodeValidationInvalidIdentity, "A name is empty")
	}
	return checked(appendEscaped(k.room(len(text)), text))
}

// room returns k and a dot, with room for so many bytes and some escapes.
func (k Key) room(n int) []byte {
	b := make([]byte, 0, len(k)+n+18)
	if k != "" {
		b = append(append(b, k...), '.')
	}
	return b
}

func checked(k []byte) (Key, error) {
	if len(k) > maxKey {
		return "", lime.NewReason(lime.CodeValidationInvalidIdentity, "The identity is too long to keep anything for it")
	}
	return Key(k), nil
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
