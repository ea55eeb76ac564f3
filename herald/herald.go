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
	queue   chan *job // each job is in it once at most, so that it never blocks

	mu     sync.Mutex
	jobs   map[lime.Identity]*job // by folded identity
	ending bool
}

// job is one identity of which there is something to do.
type job struct {
	key   lime.Identity
	due   time.Time // set before it is queued
	tries int       // that have failed; owned by who works on it

	// Guarded by the herald's mu.
	work   work
	queued bool // in the queue, or waiting to be tried again
	first  time.Time
}

// New makes a herald. It takes events at once, and works on them in Run.
func New(cfg Config) *Herald {
	cfg.setDefaults()
	h := &Herald{cfg: cfg, queue: make(chan *job, cfg.Backlog), jobs: map[lime.Identity]*job{}}
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
		j = &job{key: key, queued: true, due: now.Add(h.cfg.Debounce), first: now}
		h.jobs[key] = j
		h.queue <- j
	}
	h.metrics.dropped.Add(float64(j.work.add(e, now)))
	return true
}

// Run works until ctx is done, and then on what waits, at once and for at most the
// configured timeout.
func (h *Herald) Run(ctx context.Context) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		h.mu.Lock()
		h.ending = true
		h.mu.Unlock()
		time.AfterFunc(h.cfg.Timeout, cancel)
	})
	defer stop()
	var working sync.WaitGroup
	for range h.cfg.Workers {
		working.Go(func() { h.run(ctx, last) })
	}
	working.Wait()
}

// run is one worker. What was begun is finished, unless last is done.
func (h *Herald) run(ctx, last context.Context) {
	for {
		select {
		case j := <-h.queue:
			select { // later ones are due later
			case <-time.After(time.Until(j.due)):
			case <-ctx.Done():
			}
			h.do(last, j)
			continue
		case <-ctx.Done():
		}
		select {
		case j := <-h.queue:
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
	j.work, j.queued = work{}, false
	h.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	err := h.tell(limited, &w)
	cancel()
	h.mu.Lock()
	defer h.mu.Unlock()
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
	now := time.Now()
	j.queued, j.due, j.first = true, now.Add(h.cfg.Debounce), now
	h.queue <- j
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
	j.queued = true
	time.AfterFunc(pause, func() {
		j.due = time.Now()
		h.queue <- j
	})
}

// waiting is how many identities wait or are worked on.
func (h *Herald) waiting() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return float64(len(h.jobs))
}
