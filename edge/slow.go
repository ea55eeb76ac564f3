package edge

import (
	"slices"
	"time"

	"limegrove/edge/poll"
)

// slow is what is remembered of connections that take slowly what they are sent.
type slow struct {
	at    time.Time                // of the last look
	since map[*poll.Conn]time.Time // those whose queue was not empty then, and since which look
	worst []waiting                // of them, those whose queue was not empty at the look before either; worst first
}

// waiting is a connection with bytes that wait for it.
type waiting struct {
	conn   *poll.Conn
	queued int
	since  time.Time
}

// slow returns those whose queue is not empty, nor was at the look before: what waits for the end of a turn is
// no sign. Where nothing waits for anybody, nobody is looked at; and all are looked at only once for many who ask.
func (e *Edge) slow(now time.Time, n int) []waiting {
	s := &e.sights.slow
	if now.Sub(s.at) >= leastLook {
		s.look(e.loops, now)
	}
	return s.worst[:min(n, len(s.worst))]
}

// look looks at all connections.
func (s *slow) look(loops *poll.Group, now time.Time) {
	before := s.since
	*s = slow{at: now}
	if loops.Stats().Queued == 0 {
		return
	}
	s.since = map[*poll.Conn]time.Time{}
	for _, c := range loops.Conns() {
		queued := c.Queued()
		if queued == 0 {
			continue
		}
		since, known := before[c]
		if !known {
			since = now
		}
		s.since[c] = since
		if known {
			s.worst = append(s.worst, waiting{c, queued, since})
		}
	}
	slices.SortFunc(s.worst, func(a, b waiting) int { return b.queued - a.queued })
}
