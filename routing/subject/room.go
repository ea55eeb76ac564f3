package subject

import (
	"strings"

	"limegrove/lime"
	"limegrove/room"
)

// Roots of the subjects of rooms.
const (
	rootRoom = "room."
	rootWide = "wide."
)

// wildToken stands for any value in what is subscribed to.
const wildToken = "*"

// Room is where what is published to a room of a domain goes, and to where all who are in
// the room listen. With wild, which is for listeners alone, a wildcard of its is NATS's: what
// goes to every room that it means is heard.
func Room(domain string, n room.Name, wild bool) (string, error) {
	return roomSubject(rootRoom, domain, n, wild)
}

// Wide is where what is published to all rooms that a wildcard means goes. See WideAll.
func Wide(domain string, n room.Name) (string, error) {
	return roomSubject(rootWide, domain, n, false)
}

// WideAll covers Wide of all rooms of one shape. Who is in one of them listens there.
func WideAll(domain, shape string) (string, error) {
	return fits(append(appendShape(nil, rootWide, domain, shape), ".>"...))
}

func roomSubject(root, domain string, n room.Name, wild bool) (string, error) {
	shape, values := n.Split()
	b := appendShape(nil, root, domain, shape)
	if len(values) == 0 {
		b = append(b, ".%"...) // so that WideAll covers it
	}
	for _, v := range values {
		b = append(b, '.')
		if wild && room.IsWild(v) {
			b = append(b, wildToken...)
		} else {
			b = appendLabel(b, []byte(v)) // with its case, which counts in rooms
		}
	}
	return fits(b)
}

func appendShape(dst []byte, root, domain, shape string) []byte {
	dst = appendDomain(append(dst, root...), lime.AppendFold(nil, []byte(domain)))
	return appendLabel(append(dst, ".@."...), []byte(shape))
}

func fits(b []byte) (string, error) {
	if len(b) > Max {
		return "", ErrTooLong
	}
	return string(b), nil
}

// SplitWide returns the room of a subject of Wide, with its wildcard.
func SplitWide(subject string) (n room.Name, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootWide)
	if !ok {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, ".@.")
	if !ok {
		return "", false
	}
	tokens := strings.Split(rest, ".")
	for i, t := range tokens {
		tokens[i] = unescape(t)
	}
	if len(tokens) == 2 && tokens[1] == "" {
		tokens = tokens[:1]
	}
	n, err := room.Join(tokens[0], tokens[1:])
	return n, err == nil
}
