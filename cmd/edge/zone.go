package main

import (
	"sync"
	"time"

	"limegrove/cluster"
	"limegrove/presence"
)

// zones tells the zones of edges as gossip knows them, a second late: routing asks for
// each envelope that goes to the nearest, and making the list of members takes locks and
// memory.
type zones struct {
	members func() []cluster.Member

	mu     sync.Mutex
	known  map[presence.EdgeID]string
	looked time.Time
}

const zonesKept = time.Second

// of is that of routing.Config.
func (z *zones) of(e presence.EdgeID) string {
	z.mu.Lock()
	defer z.mu.Unlock()
	if now := time.Now(); now.Sub(z.looked) > zonesKept {
		z.looked = now
		z.known = map[presence.EdgeID]string{}
		for _, m := range z.members() {
			z.known[presence.EdgeID(m.Incarnation)] = m.Zone
		}
	}
	return z.known[e]
}
