package subject

import (
	"strconv"
	"strings"

	"limegrove/lime"
	"limegrove/room"
)

// Roots of the subjects of rooms.
const (
	rootRoom = "room."
	rootWide = "wide."

	rootAttendance = "attend."
	rootRoomLog    = "roomlog."
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

// Attendance is where is told who comes into a room and who leaves it. Who wants to know
// listens there.
func Attendance(domain string, n room.Name) (string, error) {
	return roomSubject(rootAttendance, domain, n, false)
}

// RoomStream names the stream of what is published to the rooms of a partition that keep it.
func RoomStream(p int) string { return roomStream + strconv.Itoa(p) }

const roomStream = "ROOMS_"

// RoomPartitionOf is the partition of which a stream has the rooms; it is not ok for any
// other stream.
func RoomPartitionOf(stream string) (p int, ok bool) { return numbered(stream, roomStream) }

// RoomLogAll is what that stream holds, and RoomAll where it tells what it has stored.
func RoomLogAll(p int) string { return rootRoomLog + strconv.Itoa(p) + ".>" }

// RoomAll covers all rooms; see RoomLogAll.
const RoomAll = rootRoom + ">"

// RoomLog is where what is published to a room is stored that keeps it, in whose partition.
// From there it goes to Room.
func RoomLog(p int, domain string, n room.Name) (string, error) {
	return roomSubject(rootRoomLog+strconv.Itoa(p)+".", domain, n, false)
}
