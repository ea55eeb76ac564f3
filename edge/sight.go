package edge

import (
	"context"
	"sync"
	"time"

	"limegrove/edge/poll"
	"limegrove/lime"
)

// Sight is what is to be seen of one session that stands out.
type Sight struct {
	Node     string        // its address
	Remote   string        // host:port of the client
	Over     string        // websocket or tcp
	Received Rate          // what it sends
	Sent     Rate          // what it is sent
	Queued   int           // bytes that wait for its socket
	Slow     time.Duration // for how long some did at every look; 0 for the busiest
}

// Rate is a traffic, a second.
type Rate struct{ Envelopes, Bytes float64 }

// sights is what is remembered from one look at sessions to the next.
type sights struct {
	mu   sync.Mutex
	at   time.Time     // of the last look
	slow slow          // those that are slow
	busy []metered     // since the look before
	took time.Duration // between the two
}

// Sights returns up to n of the busiest sessions since it was called before, and up to n of those that are slowest in
// taking what they are sent, worst first. The first call begins to count, and returns none of the busiest; it is
// counted for a while longer than the last look. It waits for loops until ctx is done, and for nobody else who does.
func (e *Edge) Sights(ctx context.Context, n int) (busiest, slowest []Sight) {
	now := time.Now()
	busy, took, slow := e.standouts(now, n)
	for i := range busy {
		busiest = append(busiest, Sight{
			Received: rateOf(busy[i].received, took), Sent: rateOf(busy[i].sent, took), Queued: busy[i].conn.Queued(),
		})
	}
	conns := make([]*poll.Conn, 0, len(busy)+len(slow))
	for i := range busy {
		conns = append(conns, busy[i].conn)
	}
	for i := range slow {
		conns = append(conns, slow[i].conn)
		slowest = append(slowest, Sight{Queued: slow[i].queued, Slow: now.Sub(slow[i].since)})
	}
	known := describe(ctx, conns)
	return named(busiest, known[:len(busy)]), named(slowest, known[len(busy):])
}

// standouts are the connections of Sights. It waits for no loop.
func (e *Edge) standouts(now time.Time, n int) (busy []metered, took time.Duration, slow []waiting) {
	e.sights.mu.Lock()
	defer e.sights.mu.Unlock()
	busy, took = e.busy(now, n)
	return busy, took, e.slow(now, n)
}

func rateOf(t tally, in time.Duration) Rate {
	return Rate{float64(t.envelopes) / in.Seconds(), float64(t.bytes) / in.Seconds()}
}

// leastLook is the time between two looks. One that comes before sees what the one before it saw.
const leastLook = 500 * time.Millisecond

// busy takes what was metered. Looks that follow each other at once see the same.
func (e *Edge) busy(now time.Time, n int) ([]metered, time.Duration) {
	s := &e.sights
	m := e.meter.Load()
	switch since := now.Sub(s.at); {
	case m == nil:
		e.meter.Store(new(meter))
		s.busy = nil
	case since < leastLook:
		return s.busy[:min(n, len(s.busy))], s.took
	default:
		s.busy, s.took = m.take(max(n, 16)), since
	}
	s.at = now
	return s.busy[:min(n, len(s.busy))], s.took
}

// endMeter ends the metering when nobody has looked for a while. It is for tend.
func (e *Edge) endMeter() {
	if e.meter.Load() == nil || !e.sights.mu.TryLock() {
		return
	}
	defer e.sights.mu.Unlock()
	if time.Since(e.sights.at) > meterTime {
		e.meter.Store(nil)
		e.sights.busy, e.sights.slow = nil, slow{}
	}
}

// describe asks the loops what sessions some connections have, in their order; "" is the node of one that has gone or
// could not be asked in time.
func describe(ctx context.Context, conns []*poll.Conn) []Sight {
	type told struct {
		i    int
		what Sight
	}
	answers := make(chan told, len(conns))
	asked := 0
	for i, c := range conns {
		err := c.Post(func(*poll.Turn) {
			if one, ok := c.Handler().(*conn); ok {
				answers <- told{i, one.sight()}
				return
			}
			answers <- told{i, Sight{}}
		})
		if err == nil {
			asked++
		}
	}
	all := make([]Sight, len(conns))
	for range asked {
		select {
		case a := <-answers:
			all[a.i] = a.what
		case <-ctx.Done():
			return all
		}
	}
	return all
}

// sight is what does not change of a session. It is for the connection's loop.
func (c *conn) sight() Sight {
	if c.session.state != lime.StateEstablished {
		return Sight{}
	}
	return Sight{Node: c.session.who.String(), Remote: c.socket.RemoteAddr().String(), Over: c.over.String()}
}

// named puts what is known of sessions to what was measured, and leaves those out of which nothing is.
func named(measured, known []Sight) []Sight {
	kept := measured[:0]
	for i, m := range measured {
		if known[i].Node == "" {
			continue
		}
		m.Node, m.Remote, m.Over = known[i].Node, known[i].Remote, known[i].Over
		kept = append(kept, m)
	}
	return kept
}
