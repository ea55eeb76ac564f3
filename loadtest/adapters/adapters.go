// Package adapters is the table of all protocols that servers can be loaded by, so that every
// program that starts workers knows the same ones.
package adapters

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"limegrove/loadtest/fleet"
	"limegrove/loadtest/protocol"
	"limegrove/loadtest/protocol/floorws"
	"limegrove/loadtest/protocol/limews"
	"limegrove/loadtest/protocol/mqttws"
	"limegrove/loadtest/protocol/natsws"
)

var (
	_ protocol.Keeper     = (*limews.LIME)(nil)
	_ protocol.RoomKeeper = (*limews.LIME)(nil)
	_ protocol.Rooms      = natsws.NATS{}
	_ protocol.Rooms      = mqttws.MQTT{}
	_ protocol.Rooms      = floorws.Floor{}
)

// adapters are all there are, by the name that a plan gives them.
var adapters = map[string]func(p *fleet.Plan) protocol.Protocol{
	"lime":  func(p *fleet.Plan) protocol.Protocol { return &limews.LIME{Domain: p.Domain, Silent: p.Silent} },
	"nats":  func(*fleet.Plan) protocol.Protocol { return natsws.NATS{} },
	"mqtt":  func(*fleet.Plan) protocol.Protocol { return mqttws.MQTT{} },
	"floor": func(*fleet.Plan) protocol.Protocol { return floorws.Floor{} },
}

// New makes the one that a plan names.
func New(p *fleet.Plan) (protocol.Protocol, error) {
	adapter, ok := adapters[p.Protocol]
	if !ok {
		return nil, fmt.Errorf("there is no protocol %q, but %s", p.Protocol, strings.Join(slices.Sorted(maps.Keys(adapters)), ", "))
	}
	return adapter(p), nil
}
