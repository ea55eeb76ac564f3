package routing

import (
	"limegrove/lime"
	"limegrove/routing/subject"
)

// subjectOf is the subject of an address.
func subjectOf(n lime.Node) string {
	return string(subject.AppendTo(nil, []byte(n.Domain), []byte(n.Name), []byte(n.Instance), &subject.Scratch{}))
}
