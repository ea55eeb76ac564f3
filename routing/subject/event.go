package subject

import (
	"strconv"
	"strings"
)

// Roots of the subjects of events.
const (
	rootEvent   = "event."
	rootEvented = "evented."
	rootDead    = "dead."
)

// EventStream names the stream of the events of a partition's identities.
func EventStream(p int) string { return eventStream + strconv.Itoa(p) }

const eventStream = "EVENT_"

// EventPartitionOf is the partition of which a stream has the events; it is not ok for any
// other stream.
func EventPartitionOf(stream string) (p int, ok bool) { return numbered(stream, eventStream) }

// EventAll is what that stream holds.
func EventAll(p int) string { return rootEvent + strconv.Itoa(p) + ".>" }

// EventedAll is where a partition's stream of events tells what it has stored.
func EventedAll(p int) string { return rootEvented + strconv.Itoa(p) + ".>" }

// Event is where events about an identity are stored.
func (k Key) Event(p int) string { return rootEvent + strconv.Itoa(p) + "." + string(k) }

// EventAgain is where events about an identity are stored that are told again, together in a
// lot: beside the others, of which there are so many at most.
func (k Key) EventAgain(p int, lot uint64) string {
	return k.Event(p) + again + strconv.FormatUint(lot, 10)
}

// again stands behind a key, whose labels begin with no underscore.
const again = "._again."

// SplitEvent takes a subject of Event or EventAgain apart.
func SplitEvent(subject string) (k Key, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootEvent)
	if !ok {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, ".")
	rest, _, _ = strings.Cut(rest, again)
	return Key(rest), ok && strings.Contains(rest, ".@.")
}

// DeadStream names the stream of the events that an endpoint did not take, for all
// partitions, and DeadAll is what it holds.
const (
	DeadStream = "DEAD_LETTERS"
	DeadAll    = rootDead + ">"
)

// Dead is where the events are that an endpoint did not take. Its name is one token.
func Dead(endpoint string) string { return rootDead + endpoint }

// DeadEndpoint is the endpoint of a subject of Dead.
func DeadEndpoint(subject string) (endpoint string, ok bool) {
	return strings.CutPrefix(subject, rootDead)
}
