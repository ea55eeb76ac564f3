package herald

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"limegrove/lime"
)

// Herald tells people of each other's presence.
type Herald struct {
	cfg     Config
	metrics *metrics

	// Each job is in one of them, once, or delayed, so that they never block. Half of the
	// workers take from the second one, too.
	queue, slowQueue chan *job

	mu      sync.Mutex
	jobs    map[lime.Identity]*job     // by folded identity
	slow    map[lime.Identity]slowness // likewise
	delayed map[*job]delay
	ending  bool
}

// job is one identity of which there is something to do.
type job struct {
	key   lime.Identity
	due   time.Time // set before it is queued
	tries int       // that have failed; owned by who works on it

	// Guarded by the herald's mu.
	work  work
	first time.Time
}

// New makes a herald. It takes events at once, and works on them in Run.
func New(cfg Config) *Herald {
	cfg.setDefaults()
	h := &Herald{
		cfg: cfg, queue: make(chan *job, cfg.Backlog), slowQueue: make(chan *job, cfg.Backlog),
		jobs: map[lime.Identity]*job{}, slow: map[lime.Identity]slowness{}, delayed: map[*job]delay{},
	}
	h.metrics = newMetrics(cfg.Metrics, h.waiting)
	return h
}

// Tell takes an event. It does not block, and returns false when there is no room for
// another identity, or no time any more.
func (h *Herald) Tell(e Event) bool {
	now := time.Now()
	key := e.Identity.Fold()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.metrics.events.Inc()
	j := h.jobs[key]
	switch {
	case h.ending, j == nil && len(h.jobs) >= h.cfg.Backlog:
		h.metrics.refused.Inc()
		return false
	case j == nil:
		j = &job{key: key, first: now}
		h.jobs[key] = j
		h.enqueue(j, h.cfg.Debounce)
	}
	h.metrics.dropped.Add(float64(j.work.add(e, now)))
	return true
}

// Run works until ctx is done, and then on what waits, at once and for at most the
// configured timeout.
func (h *Herald) Run(ctx context.Context) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(h.cfg.Timeout, cancel) })
	defer stop()
	var working sync.WaitGroup
	for n := range h.cfg.Workers {
		slow := h.slowQueue
		if 2*n >= max(h.cfg.Workers, 2) {
			slow = nil
		}
		working.Go(func() { h.run(ctx, last, slow) })
	}
	working.Wait()
}

// run is one worker. What was begun is finished, unless last is done.
func (h *Herald) run(ctx, last context.Context, slow chan *job) {
	for {
		select {
		case j := <-slow: // when it is due
			h.do(last, j)
			continue
		case j := <-h.queue:
			if wait := time.Until(j.due); wait > 0 { // later ones are due later
				select {
				case <-time.After(wait):
				case <-ctx.Done():
				}
			}
			h.do(last, j)
			continue
		case <-ctx.Done():
		}
		h.hurry()
		select {
		case j := <-h.queue:
			h.do(last, j)
		case j := <-h.slowQueue:
			h.do(last, j)
		default:
			return
		}
	}
}

// do works on one identity.
func (h *Herald) do(ctx context.Context, j *job) {
	h.mu.Lock()
	w, first := j.work, j.first
	j.work = work{}
	h.mu.Unlock()
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	err := h.tell(limited, &w)
	cancel()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pace(j.key, time.Since(began))
	if err != nil {
		h.again(j, w, err)
		return
	}
	h.metrics.seconds.Observe(time.Since(first).Seconds())
	for _, done := range w.done {
		done()
	}
	j.tries = 0
	if j.work.at.IsZero() {
		delete(h.jobs, j.key)
		return
	}
	j.first = time.Now()
	h.enqueue(j, h.cfg.Debounce)
}

// againMax is the longest time between two tries of an identity.
const againMax = 30 * time.Second

// again has an identity tried again, with mu locked.
func (h *Herald) again(j *job, w work, err error) {
	h.metrics.failures.Inc()
	h.cfg.Logger.WithError(err).WithField("identity", j.key.String()).Debug("presence could not be told; trying again")
	j.work.merge(w)
	if h.ending {
		delete(h.jobs, j.key) // an edge tells another router of it
		return
	}
	j.tries++
	pause := min(time.Second<<min(j.tries-1, 5), againMax)
	pause = pause/2 + rand.N(pause/2)
	j.due = time.Now().Add(pause)
	h.later(j, h.queueOf(j))
}

// waiting is how many identities wait or are worked on.
func (h *Herald) waiting() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return float64(len(h.jobs))
}
