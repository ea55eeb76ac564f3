package edge

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/edge/poll"
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

// has tells whether n tokens are there, or as many as there can be.
func (b *bucket) has(now instant, n, rate int) bool {
	probe := *b
	return probe.take(now, min(n, 2*rate), rate)
}

// charge removes n tokens whether or not they are there: nothing is, until those are made up for.
func (b *bucket) charge(now instant, n, rate int) {
	if rate >= 0 {
		b.full = max(b.full, now) + instant(int64(n)*int64(time.Second)/int64(rate))
	}
}

// floodPause is how long nothing is read from a client that sends more than its rate
// allows. One envelope above it is refused, so that the client is told; what is behind it waits where it is, in the
// client's own queues when ours are full, and is taken as the rate allows, until the client has sent less than that
// for a while. So what a client costs its loop, and its neighbours, is what its rate allows, whatever it sends.
//
// What was compressed together cannot wait: its envelopes above the rate are refused one by one, and count, so that the
// client waits for longer.
const floodPause = 100 * time.Millisecond

// A client that says more than a little at once has a slice of it taken in each millisecond: at most fastest times as much
// as its rate allows over time. What comes in between are others' turns, and nowhere on the way do others' envelopes queue
// behind all that it may say at once. It is the peak rate beside the token bucket's, as of RFC 2698.
const (
	fastest    = 4
	leastSlice = 4
	freeSlice  = 16                    // of a client whose envelopes have no rate
	aLittle    = 32 * time.Millisecond // what the rate makes up for in that time
)

// slice is how many envelopes of a client are taken in one go.
func slice(rate int) int {
	if rate < 0 {
		return freeSlice
	}
	return max(leastSlice, rate*fastest/1000)
}

// recovers is how long it takes until the session may send as much at once as ever, of envelopes and of bytes.
func (s *session) recovers(now instant) time.Duration {
	return max(s.envelopes.full, s.bytes.full, now).since(now)
}

// spent tells whether nothing is left of it, not even for a command.
func (s *session) spent(now instant) bool {
	return !s.envelopes.has(now, s.priceOfCommand(), s.rules.envelopeRate)
}

// stops tells whether the client has to wait with the rest of what it has sent.
func (c *conn) stops(s *scratch) bool {
	switch recovers := c.session.recovers(s.now); {
	case c.flooding:
	case recovers <= aLittle:
		c.warned = c.warned && recovers > 0
		return false
	case c.warned && c.session.spent(s.now):
		c.flooding = true
	default:
		return s.envelopes >= slice(c.session.rules.envelopeRate)
	}
	return true
}

// yield has the rest of what has come taken when others have had their turn.
func (c *conn) yield() {
	c.told.set(flagYields, true)
	c.steer()
	c.socket.PostSoon(func(*poll.Turn) {
		c.told.set(flagYields, false)
		c.steer()
	})
}

// lastWords takes what the client had said at once before it went, and of which there was another slice to be taken.
func (c *conn) lastWords() {
	s := c.edge.scratch.Get().(*scratch)
	defer c.letGo(s)
	s.now = c.edge.instant(c.turn().Now)
	for b := c.socket.Unread(); c.phase == open && !c.awaits() && !c.flooding; {
		s.envelopes = 0
		n, _ := c.read(s, b)
		if n == 0 {
			return
		}
		b = b[n:]
	}
}

// frameCost is what the head of a frame counts for, beside its payload's bytes:
// empty frames are no envelopes and cost time all the same.
const frameCost = 32

// affords takes what the head of a frame counts for, or what comes at once over TCP, with n bytes in it, and tells
// whether it was there. For a client that was told that it sends too much all has to be there that the frame may count
// for, or what is in it would be refused where it can wait.
func (c *conn) affords(s *scratch, n int) bool {
	bytes, rate := &c.session.bytes, c.edge.cfg.Load().ByteRate
	ok := true
	if c.warned {
		if n += c.keeps(); c.deflates.is(packed) {
			n = max(n, c.maxEnvelope()) // as it may become
		}
		ok = bytes.has(s.now, frameCost+n, rate)
	}
	ok = ok && bytes.take(s.now, frameCost, rate)
	c.flooding = c.flooding || !ok
	return ok
}

// pause stops reading for a while.
func (c *conn) pause(s *scratch) {
	c.flooding = false
	now := c.edge.instant(c.turn().Now)
	c.begins().pausedTill = now + instant(floodPause)
	c.waitsFor(s, now)
	c.patient()
	c.steer()
	c.arm()
}

// addresses counts the connections from each IP address.
type addresses struct {
	max atomic.Int64 // negative or zero: no limit

	mu    sync.Mutex
	count map[netip.Addr]int
}

// add counts a connection, until remove, if there is a limit, and tells whether it is within that.
func (a *addresses) add(from netip.Addr) (counted, ok bool) {
	most := a.max.Load()
	if most <= 0 {
		return false, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = map[netip.Addr]int{}
	}
	from = from.Unmap()
	if int64(a.count[from]) >= most {
		return false, false
	}
	a.count[from]++
	return true, true
}

// remove is for one that add has counted.
func (a *addresses) remove(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from = from.Unmap()
	if a.count[from]--; a.count[from] <= 0 {
		delete(a.count, from)
	}
}
