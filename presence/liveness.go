package presence

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// liveFor is how long a lease that was found alive counts as alive.
const liveFor = time.Second

// liveEdges remembers which leases were found alive lately. It never remembers
// that one was missing: an edge that makes its lease anew and registers again
// must be seen at once, since nobody reads that view a second time.
type liveEdges struct {
	mu    sync.Mutex
	until map[EdgeID]time.Time
}

// unknown returns those of edges that are not known to be alive.
func (l *liveEdges) unknown(edges []EdgeID, now time.Time) []EdgeID {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := edges[:0:0]
	for _, e := range edges {
		if now.After(l.until[e]) {
			rest = append(rest, e)
		}
	}
	return rest
}

// found notes that the lease of e was alive at the time now.
func (l *liveEdges) found(e EdgeID, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = make(map[EdgeID]time.Time)
	}
	if _, known := l.until[e]; !known {
		for old, t := range l.until { // seldom: an edge was not seen before
			if now.After(t) {
				delete(l.until, old)
			}
		}
	}
	l.until[e] = now.Add(liveFor)
}

// voidOf returns those of edges that have no lease. Unless exact, leases found
// alive lately are not asked for, and neither are those that cannot be.
func (s *Store) voidOf(ctx context.Context, edges []EdgeID, exact bool) (void []EdgeID, err error) {
	now := time.Now()
	if !exact {
		edges = s.live.unknown(edges, now)
	}
	if len(edges) == 0 {
		return nil, nil
	}
	calls := make([]*call, len(edges))
	for i, e := range edges {
		key := leaseKey(e)
		calls[i] = s.newCall(redis.NewIntCmd(ctx, "exists", key), nil)
		if err := s.submit(ctx, key, calls[i]); err != nil {
			if exact {
				return nil, err
			}
			return void, nil
		}
	}
	for i, e := range edges {
		switch err := s.wait(ctx, calls[i]); {
		case err != nil && exact:
			return nil, err
		case err != nil:
		case calls[i].cmd.(*redis.IntCmd).Val() == 0:
			void = append(void, e)
		default:
			s.live.found(e, now)
		}
	}
	return void, nil
}

// leased tells whether e has a lease.
func (s *Store) leased(ctx context.Context, e EdgeID) (bool, error) {
	void, err := s.voidOf(ctx, []EdgeID{e}, true)
	return len(void) == 0, err
}
