package presence

import (
	"encoding/binary"

	"limegrove/lime"
)

const (
	flagFilterByDistance = 1 << iota
	flagRoundRobin
	flagEcho
	flagPromiscuous
)

// The orders are part of the format: append only.
var (
	statuses = []lime.Status{
		lime.StatusUnavailable, lime.StatusAvailable, lime.StatusBusy, lime.StatusAway, lime.StatusInvisible,
	}
	rules = []lime.RoutingRule{
		lime.RouteInstance, lime.RouteIdentity, lime.RouteIdentityByPriority,
		lime.RoutePromiscuous, lime.RouteDomain, lime.RouteRootDomain,
	}
)

func flagsOf(p *lime.Presence) (f byte) {
	for _, b := range []struct {
		on  bool
		bit byte
	}{
		{p.FilterByDistance, flagFilterByDistance},
		{p.RoundRobin, flagRoundRobin},
		{p.Echo, flagEcho},
		{p.Promiscuous, flagPromiscuous},
	} {
		if b.on {
			f |= b.bit
		}
	}
	return f
}

func appendUnless(b []byte, tag byte, s, unless string) []byte {
	if s == unless {
		return b
	}
	b = binary.AppendUvarint(append(b, tag), uint64(len(s)))
	return append(b, s...)
}

func appendEnum[E ~string](b []byte, tag byte, e E, known []E) []byte {
	if e == "" {
		return b
	}
	for i, k := range known {
		if k == e {
			return append(b, tag, 1, byte(i))
		}
	}
	return appendUnless(b, tag, string(e), "")
}

func enumOf[E ~string](content string, known []E) E {
	if len(content) == 1 && int(content[0]) < len(known) {
		return known[content[0]]
	}
	return E(content)
}
