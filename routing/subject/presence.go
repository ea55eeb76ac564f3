package subject

import (
	"strconv"
	"strings"

	"limegrove/presence"
)

const rootPresence = "presence."

// Presences covers all that Presence is.
const Presences = rootPresence + ">"

// Presence is where routers hear that what others see of an identity may have changed.
func (k Key) Presence() string { return rootPresence + string(k) }

// ToldPrefix begins the subjects on which an edge hears that others were told of an
// identity's presence; see AppendTold. Edge covers them.
func ToldPrefix(e presence.EdgeID) string { return rootEdge + string(e) + ".told." }

// AppendTold appends edge.<incarnation>.told.<sequence>.<key>.
func AppendTold(dst []byte, prefix string, sequence uint64, k Key) []byte {
	dst = append(dst, prefix...)
	dst = strconv.AppendUint(dst, sequence, 36)
	return append(append(dst, '.'), k...)
}

// ParseTold takes a subject of AppendTold apart.
func ParseTold(subject, prefix string) (sequence uint64, k Key, ok bool) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return 0, "", false
	}
	number, rest, ok := strings.Cut(rest, ".")
	if !ok {
		return 0, "", false
	}
	sequence, err := strconv.ParseUint(number, 36, 64)
	return sequence, Key(rest), err == nil
}
