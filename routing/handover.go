package routing

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"limegrove/presence"
	"limegrove/routing/subject"
)

// handovers has a session that has replaced one of another edge wait, for a moment,
// until what that one has acknowledged is known: it is not to come again.
type handovers struct {
	hubs *Hubs
	wake chan struct{}

	mu     sync.Mutex
	queue  []*Member
	silent map[presence.EdgeID]time.Time // edges that have not answered, and until when they are not asked
}

const (
	handoverWorkers = 64

	// handoverPatience is how long a session waits for the one that it has replaced. That
	// one's edge may be dead, and is not asked again for a while then.
	handoverPatience = time.Second
	handoverSilence  = 10 * time.Second
)

func newHandovers(h *Hubs) *handovers {
	return &handovers{hubs: h, wake: make(chan struct{}, handoverWorkers), silent: map[presence.EdgeID]time.Time{}}
}

// add has m start when the session that it has replaced is done. The shard of m is
// locked.
func (v *handovers) add(m *Member) {
	v.mu.Lock()
	v.queue = append(v.queue, m)
	v.mu.Unlock()
	select {
	case v.wake <- struct{}{}:
	default: // all workers are awake
	}
}

func (v *handovers) next() *Member {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.queue) == 0 {
		v.queue = nil
		return nil
	}
	m := v.queue[0]
	v.queue[0] = nil
	v.queue = v.queue[1:]
	return m
}

// run works until ctx is done.
func (v *handovers) run(ctx context.Context) {
	var all sync.WaitGroup
	for range handoverWorkers {
		all.Go(func() {
			for ctx.Err() == nil {
				if m := v.next(); m != nil {
					v.work(ctx, m)
					continue
				}
				select {
				case <-ctx.Done():
				case <-v.wake:
				}
			}
		})
	}
	all.Wait()
}

func (v *handovers) work(ctx context.Context, m *Member) {
	s := m.hub.shard
	s.mu.Lock()
	older := m.takesOverLocked()
	s.mu.Unlock()
	if older != nil {
		v.ask(ctx, older)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if older != nil && m.takesOverLocked() == older {
		m.own.takesOver = nil
		m.tidyLocked()
	}
	v.hubs.reader.start(m)
}

// ask ends the older session, and returns when Redis has its floors, or nobody answers.
func (v *handovers) ask(ctx context.Context, older *presence.Registration) {
	v.mu.Lock()
	silent := time.Now().Before(v.silent[older.Edge])
	v.mu.Unlock()
	data, err := json.Marshal(controlMessage{End: *replacedReason(), Node: older.Node, Session: older.Session})
	if err == nil && !silent {
		ctx, cancel := context.WithTimeout(ctx, handoverPatience)
		defer cancel()
		_, err = v.hubs.cfg.NATS.RequestWithContext(ctx, subject.Control(older.Edge), data)
	}
	if err == nil && !silent {
		return
	}
	v.hubs.metrics.unsettled.Inc()
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	for e, until := range v.silent {
		if now.After(until) {
			delete(v.silent, e)
		}
	}
	if !silent {
		v.silent[older.Edge] = now.Add(handoverSilence)
	}
}
