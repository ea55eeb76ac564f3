package status

import (
	"context"
	"sync"
	"time"
)

// sessionsTime bounds the search for sessions.
const sessionsTime = 300 * time.Millisecond

// standouts are the sessions that were told of last.
type standouts struct {
	mu               sync.Mutex
	at               time.Time // when the search for them began
	top              int       // that were searched for
	busiest, slowest []Session
}

// standouts returns up to n sessions of each list. Like a report, they are told again for a while: many may ask, and a search
// may have to wait for loops.
func (r *Reporter) standouts(ctx context.Context, n int) (busiest, slowest []Session) {
	s := &r.lately
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.top < n || now.Sub(s.at) >= freshTime {
		ctx, cancel := context.WithTimeout(ctx, sessionsTime)
		defer cancel()
		s.busiest, s.slowest = r.cfg.Sessions(ctx, n)
		s.at, s.top = now, n
		for _, all := range [][]Session{s.busiest, s.slowest} {
			for i := range all {
				all[i].Edge = r.cfg.Incarnation
			}
		}
	}
	return first(s.busiest, n), first(s.slowest, n)
}

// first are copies of up to n.
func first(all []Session, n int) []Session {
	return append([]Session(nil), all[:min(n, len(all))]...)
}
