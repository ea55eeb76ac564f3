package servers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kinds are all there are, by name.
var kinds = map[string]func() Kind{
	"floor":     newFloor,
	"nats":      newNATS,
	"mosquitto": newMosquitto,
	"limegrove": func() Kind { return new(limegrove) },
}

// New makes the kind with a name.
func New(name string) (Kind, error) {
	kind, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("there is no server %q, but %s", name, strings.Join(Names(), ", "))
	}
	return kind(), nil
}

// Names are those of all kinds.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }
