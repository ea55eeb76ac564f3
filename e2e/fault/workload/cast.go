package workload

import (
	"fmt"
	"math/rand/v2"
)

// temper is how a client behaves.
type temper int

const (
	steady temper = iota
	commuter
	dreamer
	mover
	sleeper
)

// tempers are drawn from: of ten clients, five are steady.
var tempers = []temper{steady, steady, steady, steady, steady, commuter, commuter, dreamer, mover, sleeper}

// role is who a client is.
type role struct {
	name, instance string
	temper         temper

	tcp      bool // it connects over TCP
	receipts bool // it says received
	sends    bool
	hasty    bool     // it logs in anew after a failed 51
	peers    []string // the addresses that it writes to
}

func (r role) node(domain string) string { return r.name + "@" + domain + "/" + r.instance }

// What a cast consists of.
const (
	everyNthHasMore = 5 // identities with several nodes
	everyNthOverTCP = 4 // clients, on average
	instances       = 3 // so many
	peersOfOne      = 4
)

// draw makes the cast of a run: the same for the same seed.
func draw(seed uint64, identities int, domain string) []role {
	random := rand.New(rand.NewPCG(seed, 1))
	var all []role
	for i := range identities {
		n := 1
		if i%everyNthHasMore == 0 {
			n = instances
		}
		for j := range n {
			all = append(all, role{
				name: fmt.Sprintf("u%d", i+1), instance: string(rune('a' + j)),
				temper:   tempers[random.IntN(len(tempers))],
				receipts: random.IntN(2) == 0,
				hasty:    random.IntN(2) == 0,
				tcp:      random.IntN(everyNthOverTCP) == 0,
			})
		}
	}
	for i := range all {
		r := &all[i]
		r.sends = r.temper != sleeper && random.IntN(3) > 0
		for len(r.peers) < peersOfOne {
			peer := all[random.IntN(len(all))]
			if peer.name == r.name {
				continue // nobody gets what they send to their own identity
			}
			address := peer.node(domain)
			if random.IntN(2) == 0 {
				address = peer.name + "@" + domain
			}
			r.peers = append(r.peers, address)
		}
	}
	return all
}
