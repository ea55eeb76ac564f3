package event

import (
	"fmt"
	"slices"
	"strings"
)

// Type is what has happened.
type Type string

// The types, and the data that events of each have.
const (
	SessionStarted  Type = "session.started"  // Session
	SessionEnded    Type = "session.ended"    // Session
	PresenceChanged Type = "presence.changed" // Presence
	MessageAbsent   Type = "message.absent"   // Message: nobody has acknowledged it, and it waits
	MessageFailed   Type = "message.failed"   // Message: it waits no longer
	RoomJoined      Type = "room.joined"      // Room
	RoomLeft        Type = "room.left"        // Room
)

var types = []Type{
	SessionStarted, SessionEnded, PresenceChanged, MessageAbsent, MessageFailed, RoomJoined, RoomLeft,
}

// All stands for every type where types are listed.
const All = "all"

// ParseTypes reads names of types, or All.
func ParseTypes[S ~string](names []S) (all []Type, err error) {
	for _, name := range names {
		switch t := Type(name); {
		case name == All:
			all = append(all, types...)
		case slices.Contains(types, t):
			all = append(all, t)
		default:
			return nil, fmt.Errorf("unknown event %q; known are %s, or %s", name, list(), All)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func list() string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}
