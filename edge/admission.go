package edge

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// admission says which connections are served, before anything is done for them: so many a second, of which whoever
// comes in a flood does not take what the others need. It takes the same memory however many come from wherever.
//
// Each source has a small bucket, found by a hash that nobody can foresee. As long as that has something, the source
// is light, and may take the last token of all. Others may only while more than half of all tokens are there: a
// flood has what is left, the whole rate when nobody else comes.
type admission struct {
	rate int // a second, and at once; negative is no limit
	seed maphash.Seed

	mu      sync.Mutex
	all     instant // when all tokens are there again, if none is taken
	told    instant // the same of answers to those who are refused
	sources [sourceRows][sourcesInRow]instant
}

const (
	// A source has a bucket in each row, and is light when one of them says so, lest it is taken for a flood
	// in whose place it is.
	sourceRows   = 2
	sourcesInRow = 4096

	// sourcePart is which part of the rate a source has before it is no longer light.
	sourcePart = 16

	// answeredPart is which part of the rate those have who are told that they are refused. The others are cut.
	answeredPart = 4
)

// newAdmission admits so many a second.
func newAdmission(rate int) *admission { return &admission{rate: rate, seed: maphash.MakeSeed()} }

// admit takes a token for a connection from an address, and tells whether there was one.
func (a *admission) admit(from netip.Addr, now instant) bool {
	if a.rate < 0 {
		return true
	}
	const second = instant(time.Second)
	one := second / instant(a.rate)
	at := maphash.Comparable(a.seed, sourceOf(from))
	a.mu.Lock()
	defer a.mu.Unlock()
	light, part := false, min(sourcePart*one, second) // one connection at least
	for row := range a.sources {
		full := &a.sources[row][at>>(16*row)%sourcesInRow]
		if *full = max(*full, now) + part; *full <= now+second {
			light = true
		} else {
			*full = now + second // a flood is forgotten soon after it has ended
		}
	}
	most := second
	if !light {
		most = max(second/2, one)
	}
	all := max(a.all, now) + one
	if all > now+most {
		return false
	}
	a.all = all
	return true
}

// answers tells whether one who was not admitted is told so.
func (a *admission) answers(now instant) bool {
	const second = instant(time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	told := max(a.told, now) + answeredPart*second/instant(a.rate)
	if told > now+second {
		return false
	}
	a.told = told
	return true
}

// sourceOf is what counts as one source: an address, or the network of 64 bits in which an IPv6 address is, of
// which one host may have all.
func sourceOf(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.Is4() || !a.IsValid() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil { // there is no such network
		return a
	}
	return p.Addr()
}
