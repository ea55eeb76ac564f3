package aioconnectors

import (
	"strings"

	"limegrove/lime"
)

// maxName bounds a connector's name, in characters, which are bytes.
const maxName = 128

// isName tells whether a connector may be called so: A-03.
func isName[T []byte | string](name T) bool {
	if len(name) == 0 || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == ':':
		default:
			return false
		}
	}
	// Those are called so that have no name yet, in another mode.
	digits, is := strings.CutPrefix(string(name), "default")
	return !is || strings.Trim(digits, "0123456789") != ""
}

// identity is that of a connector. Names differ by their capitals, and identities do not: those
// are escaped. It is not ok when the name is too long for one.
func (c *Config) identity(name string) (i lime.Identity, ok bool) {
	i, err := lime.ParseIdentity(string(lime.AppendEscapedName(nil, name)) + "@" + c.Domain)
	return i, err == nil
}

// nameOf is what a connector knows an identity by: the name of another connector, or the
// identity as it is. It borrows both.
func (c *Config) nameOf(n lime.NodeView) string {
	if strings.EqualFold(string(n.Domain), c.Domain) {
		if name, err := lime.UnescapeName(string(n.Name)); err == nil {
			return name
		}
	}
	return string(n.Name) + "@" + string(n.Domain)
}
