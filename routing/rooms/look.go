package rooms

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// lookPause is how long rooms wait before they look again for what they have missed.
const lookPause = time.Second

// watch has rooms that keep their messages look for what they have missed, and audiences read who
// is there: when the broker was away, or the client library had no room for what it brought. What
// comes later shows it as well, but may not come.
func (r *Rooms) watch(ctx context.Context, back <-chan nats.Status) {
	look := time.NewTimer(lookPause)
	defer look.Stop()
	for away, kept := false, true; ; {
		select {
		case <-ctx.Done():
			return
		case <-back:
			away = true
			look.Reset(0)
		case <-r.overloaded:
			look.Reset(lookPause) // what is dropped now is not the last, most likely
		case <-look.C:
			// The broker has the subscriptions again before anybody looks.
			if away && r.barrier.Wait(ctx) == nil {
				away, kept = false, false
				r.doubtAll()
			}
			kept = kept || r.checkKept(ctx)
			if r.checkLost() || away || !kept {
				look.Reset(lookPause)
			}
		}
	}
}

// checkKept has all rooms that keep something look whether they have missed any of it. It
// returns false when not all could.
func (r *Rooms) checkKept(ctx context.Context) (all bool) {
	all = true
	last := map[int]uint64{} // of partitions
	for _, s := range r.shards {
		for _, h := range s.keepers() {
			p := h.keeping.p
			if _, known := last[p]; !known {
				limited, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
				state, err := r.cfg.Streams.RoomsState(limited, p)
				cancel()
				all = !r.catchUps[p].trouble.note(err) && all
				last[p] = state.Last // 0 when it is not known
			}
			s.mu.Lock()
			if last[p] > h.keeping.last {
				h.keeping.last = last[p]
				h.allFallBehind()
			}
			s.mu.Unlock()
		}
	}
	return all
}

// keepers are the rooms of a shard that keep something.
func (s *shard) keepers() (halls []*hall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.halls {
		if h.keeping != nil && h.inForce {
			halls = append(halls, h)
		}
	}
	return halls
}

// attended are the audiences of a shard that hear who comes and goes.
func (s *shard) attended() (all []*audience) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.audiences {
		if a.inForce {
			all = append(all, a)
		}
	}
	return all
}

// doubtAll has all audiences read who is there.
func (r *Rooms) doubtAll() {
	for _, s := range r.shards {
		for _, a := range s.attended() {
			s.mu.Lock()
			a.doubt()
			s.mu.Unlock()
		}
	}
}

// checkLost has those rooms read of which the client library has dropped something since, and
// tells whether there were any. The same of who is in them.
func (r *Rooms) checkLost() (lost bool) {
	for _, s := range r.shards {
		for _, h := range s.keepers() {
			s.mu.Lock()
			s.countLost(h.sub)
			if h.missing {
				h.missing, lost = false, true
				h.allFallBehind()
			}
			s.mu.Unlock()
		}
		for _, a := range s.attended() {
			s.mu.Lock()
			s.countLost(a.sub)
			if a.missing {
				a.missing, lost = false, true
				a.doubt()
			}
			s.mu.Unlock()
		}
	}
	return lost
}
