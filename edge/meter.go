package edge

import (
	"cmp"
	"slices"
	"sync"
	"time"
	"unsafe"

	"limegrove/edge/poll"
)

// A meter counts what single sessions send and are sent, while somebody looks at the busiest of them. Nobody looks most
// of the time: then there is none, and a session has nothing for it.
//
// It knows so many sessions at a time, those that come first after a look. A session that is busy comes soon, so that
// hardly one is missed.
type meter struct {
	parts [meterParts]meterPart
}

const (
	meterParts = 16   // so that loops and those who deliver seldom meet at one
	meterKnows = 1024 // sessions, in each part
)

// meterPart is what is known of some sessions.
type meterPart struct {
	mu  sync.Mutex
	all map[*poll.Conn]*usage
	_   [64]byte // of another cache line
}

// usage is what a session has sent and was sent.
type usage struct{ received, sent tally }

// weight tells who is busier: an envelope costs about as much as so many bytes.
func (u *usage) weight() int {
	const envelope = 1 << 10
	return u.received.bytes + u.sent.bytes + envelope*(u.received.envelopes+u.sent.envelopes)
}

// part is where a connection is counted.
func (m *meter) part(c *poll.Conn) *meterPart {
	const sizes = 8                                               // bits that are alike in the addresses of all connections
	return &m.parts[uintptr(unsafe.Pointer(c))>>sizes%meterParts] // a number, and no pointer again
}

// count adds to what is known of a connection.
func (m *meter) count(c *poll.Conn, received, sent tally) {
	p := m.part(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.all[c]
	if u == nil {
		if len(p.all) >= meterKnows {
			return
		}
		if p.all == nil {
			p.all = map[*poll.Conn]*usage{}
		}
		u = new(usage)
		p.all[c] = u
	}
	u.received.add(received)
	u.sent.add(sent)
}

// take returns the n busiest since it was called before, the busiest first, and begins anew.
func (m *meter) take(n int) []metered {
	var all []metered
	for i := range m.parts {
		p := &m.parts[i]
		p.mu.Lock()
		known := p.all
		p.all = nil
		p.mu.Unlock()
		for c, u := range known {
			all = append(all, metered{c, *u})
		}
	}
	slices.SortFunc(all, func(a, b metered) int { return cmp.Compare(b.weight(), a.weight()) })
	return all[:min(n, len(all))]
}

// metered is a connection and what it did.
type metered struct {
	conn *poll.Conn
	usage
}

func (t *tally) add(n tally) {
	t.envelopes += n.envelopes
	t.bytes += n.bytes
}

// meterReceived counts what was taken of a client in one turn, if somebody looks.
func (c *conn) meterReceived(s *scratch) {
	m := c.edge.meter.Load()
	if m == nil {
		return
	}
	var all tally
	for k := range s.took {
		all.add(s.took[k])
	}
	if all.envelopes > 0 {
		m.count(&c.socket, all, tally{})
	}
}

// meterSent counts what was queued for a client, if somebody looks.
func (c *conn) meterSent(envelopes, bytes int) {
	if m := c.edge.meter.Load(); m != nil {
		m.count(&c.socket, tally{}, tally{envelopes, bytes})
	}
}

// meterTime is for how long sessions are metered after somebody has looked.
const meterTime = 15 * time.Second
