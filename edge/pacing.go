package edge

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// pacing is how fast one source may connect, whatever the edge admits of all. What comes faster is not refused at
// once, or it would come again at once: it waits for its turn, so that whoever connects without a pause has what it may
// have, and the edge nothing more to do. Like admission it takes the same memory however many come from wherever.
type pacing struct {
	rate   int            // of a source, a second, and at once; negative is no limit
	exempt []netip.Prefix // these have none
	seed   maphash.Seed

	mu      sync.Mutex
	sources [sourceRows][sourcesInRow]instant // when each has all its tokens again, if none is taken
}

// turnPatience is how long a connection waits for its turn at most.
const turnPatience = 5 * time.Second

// newPacing lets each source connect so often a second.
func newPacing(rate int, exempt []netip.Prefix) *pacing {
	return &pacing{rate: rate, exempt: exempt, seed: maphash.MakeSeed()}
}

// turn takes a token for a connection from an address, and tells how long it has to wait for it. It takes none when
// that would be too long.
func (p *pacing) turn(from netip.Addr, now instant) (wait time.Duration, ok bool) {
	if p.rate < 0 || p.isExempt(from) {
		return 0, true
	}
	const second = instant(time.Second)
	p.mu.Lock()
	defer p.mu.Unlock()
	rows, full := p.bucketsLocked(from, now)
	full += second / instant(p.rate)
	wait = max(time.Duration(full-now-max(second, second/instant(p.rate))), 0)
	if wait > turnPatience {
		return wait, false
	}
	for _, row := range rows {
		*row = max(*row, full)
	}
	return wait, true
}

// giveBack gives a token back that turn has just given to a connection that is not served, whose turn is that of the
// next one.
func (p *pacing) giveBack(from netip.Addr, now instant) {
	if p.rate < 0 || p.isExempt(from) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	rows, full := p.bucketsLocked(from, now)
	for _, row := range rows {
		if *row == full { // else others have taken more there
			*row -= instant(time.Second) / instant(p.rate)
		}
	}
}

// bucketsLocked returns a source's bucket in each row, and when it has all its tokens again: the fullest one tells,
// which is least that of others, too.
func (p *pacing) bucketsLocked(from netip.Addr, now instant) (rows [sourceRows]*instant, full instant) {
	at := maphash.Comparable(p.seed, sourceOf(from))
	for row := range p.sources {
		rows[row] = &p.sources[row][at>>(16*row)%sourcesInRow]
		if mine := max(*rows[row], now); full == 0 || mine < full {
			full = mine
		}
	}
	return rows, full
}

// isExempt tells whether an address has no rate of its own; so has a client that has no address.
func (p *pacing) isExempt(from netip.Addr) bool {
	from = from.Unmap()
	for _, network := range p.exempt {
		if network.Contains(from) {
			return true
		}
	}
	return !from.IsValid()
}
