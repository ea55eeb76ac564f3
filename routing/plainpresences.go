package routing

import (
	"sync"

	"limegrove/lime"
)

// plainPresences has each of the plain presences once: most sessions say the same, and keep it for
// as long as they live. There are as many as there are statuses, rules and flags to combine.
type plainPresences struct {
	mu  sync.Mutex
	all map[plainPresence]*lime.Presence
}

// plainPresence is a presence without a text and a number of its own.
type plainPresence struct {
	status                                          lime.Status
	rule                                            lime.RoutingRule
	filterByDistance, roundRobin, echo, promiscuous bool
}

// intern returns what stands for p, which is p itself unless it is plain. Neither is to be
// changed.
func (a *plainPresences) intern(p *lime.Presence) *lime.Presence {
	if p == nil || p.Message != "" || p.Priority != 0 || p.Instances != nil || p.LastSeen != "" {
		return p
	}
	key := plainPresence{p.Status, p.RoutingRule, p.FilterByDistance, p.RoundRobin, p.Echo, p.Promiscuous}
	a.mu.Lock()
	defer a.mu.Unlock()
	if same, ok := a.all[key]; ok {
		return same
	}
	if a.all == nil {
		a.all = map[plainPresence]*lime.Presence{}
	}
	a.all[key] = p
	return p
}
