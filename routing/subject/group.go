package subject

import (
	"strconv"
	"strings"
)

// Roots of the subjects of messages to groups.
const (
	rootGroup   = "group."
	rootGrouped = "grouped."
	rootFan     = "fan."
)

// GroupStream names the stream of the messages of a partition's groups.
func GroupStream(p int) string { return "GROUP_" + strconv.Itoa(p) }

// GroupPartitionOf is the partition of which a stream has the messages of groups; it is
// not ok for any other stream.
func GroupPartitionOf(stream string) (p int, ok bool) {
	return numbered(stream, "GROUP_")
}

// numbered is the partition of a stream whose name is a prefix and that.
func numbered(stream, prefix string) (p int, ok bool) {
	number, ok := strings.CutPrefix(stream, prefix)
	if !ok {
		return 0, false
	}
	p, err := strconv.Atoi(number)
	return p, err == nil && p >= 0
}

// GroupAll is what that stream holds, and GroupedAll where it tells what it has stored.
func GroupAll(p int) string { return rootGroup + strconv.Itoa(p) + ".>" }

// GroupedAll is where a partition's stream of group messages tells what it has stored.
func GroupedAll(p int) string { return rootGrouped + strconv.Itoa(p) + ".>" }

// FanAll is what whoever fans out the messages of a partition's groups subscribes to.
func FanAll(p int) string { return rootFan + strconv.Itoa(p) + ".>" }

// Group is where messages with an id for a group are stored.
func (k Key) Group(p int) string { return rootGroup + strconv.Itoa(p) + "." + string(k) }

// AppendGroup appends what Group returns.
func (k Key) AppendGroup(dst []byte, p int) []byte {
	dst = strconv.AppendInt(append(dst, rootGroup...), int64(p), 10)
	return append(append(dst, '.'), k...)
}

// Fan is where messages without an id for a group go.
func (k Key) Fan(p int) string { return rootFan + strconv.Itoa(p) + "." + string(k) }

// SplitGroup takes a subject of Group or Fan apart.
func SplitGroup(subject string) (k Key, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootGroup)
	if !ok {
		if rest, ok = strings.CutPrefix(subject, rootFan); !ok {
			return "", false
		}
	}
	_, rest, ok = strings.Cut(rest, ".")
	return Key(rest), ok && strings.Contains(rest, ".@.")
}
