package aioconnectors

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// firsts is how many new connectors of one address are given something: so many at once, and then so many a second. It takes the
// same memory however many come from wherever.
type firsts struct {
	seed maphash.Seed

	mu      sync.Mutex
	sources [firstSources]time.Time // by a hash nobody can foresee: when each has all again, if nothing is taken
}

const (
	firstSources = 4096
	firstsAtOnce = 100
	firstEvery   = time.Second / 5
)

// allow takes one of an address, or of the network of 64 bits in which an IPv6 address is, of which one host may have all. Who has no address
// has a bound of its own elsewhere.
func (f *firsts) allow(from netip.Addr, now time.Time) bool {
	if from = from.Unmap().WithZone(""); !from.IsValid() {
		return true
	}
	if from.Is6() {
		if network, err := from.Prefix(64); err == nil {
			from = network.Addr()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	full := &f.sources[maphash.Comparable(f.seed, from)%firstSources]
	if full.Before(now) {
		*full = now
	}
	if full.Sub(now) > (firstsAtOnce-1)*firstEvery {
		return false
	}
	*full = full.Add(firstEvery)
	return true
}
