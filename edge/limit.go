package edge

import (
	"net/netip"
	"sync"
	"time"
)

// bucket is a token bucket of one session. Its rate is not its own, since all
// sessions share it; the zero bucket is full.
type bucket struct {
	full instant // when it is full again, if nothing is taken
}

// take removes n tokens and tells whether they were there. A bucket fills at rate
// tokens a second and holds twice that. A rate that is negative is no limit.
func (b *bucket) take(now instant, n, rate int) bool {
	if rate < 0 {
		return true
	}
	const second = int64(time.Second)
	full := max(b.full, now) + instant(int64(n)*second/int64(rate))
	if full > now+2*instant(second) {
		return false
	}
	b.full = full
	return true
}

// floodPause is how long nothing is read from a client that sends more than its rate
// allows. What it has sent until then is refused, one by one; with the pauses that
// costs its loop, and so its neighbours, only so much.
const floodPause = 100 * time.Millisecond

// frameCost is what the head of a frame counts for, beside its payload's bytes:
// empty frames are no envelopes and cost time all the same.
const frameCost = 32

// pause stops reading for a while.
func (c *conn) pause() {
	c.flooding = false
	c.begins().pausedTill = c.edge.instant(c.turn().Now.Add(floodPause))
	c.patient()
	c.steer()
	c.arm()
}

// addresses counts the connections from each IP address.
type addresses struct {
	max int // negative or zero: no limit

	mu    sync.Mutex
	count map[netip.Addr]int
}

// add counts a connection, until remove, if it is within the limit.
func (a *addresses) add(from netip.Addr) bool {
	if a.max <= 0 {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = map[netip.Addr]int{}
	}
	from = from.Unmap()
	if a.count[from] >= a.max {
		return false
	}
	a.count[from]++
	return true
}

func (a *addresses) remove(from netip.Addr) {
	if a.max <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	from = from.Unmap()
	if a.count[from]--; a.count[from] <= 0 {
		delete(a.count, from)
	}
}
