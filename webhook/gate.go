package webhook

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// gate is the way to an endpoint: so many requests at once, and when it has failed some times
// in a row one that tries, after pauses that grow. The first that is taken opens it for all.
type gate struct {
	places  chan struct{}
	telling sync.Mutex         // has changed called in the order of what it tells
	changed func(failing bool) // called without the lock of the rest

	mu      sync.Mutex
	failed  int           // in a row
	trying  bool          // while it fails
	until   time.Time     // nobody tries before
	turned  chan struct{} // closed and replaced when others may look again
	pressed int           // pauses in a row
}

// permission is for one request, which enter gives.
type permission struct{ tries bool }

const (
	// failsAt is after how many failures in a row an endpoint is taken for dead.
	failsAt = 3

	backoffLeast = 500 * time.Millisecond
	backoffMost  = 30 * time.Second
)

// backoff is how long to wait after so many tries, with some chance, so that many do not come
// back together.
func backoff(tries int) time.Duration {
	d := min(backoffLeast<<min(tries, 16), backoffMost)
	return d/2 + rand.N(d/2)
}

func newGate(requests int, changed func(failing bool)) *gate {
	return &gate{places: make(chan struct{}, requests), changed: changed, turned: make(chan struct{})}
}

// enter waits until a request may be made, which leave ends. An error is ctx's.
func (g *gate) enter(ctx context.Context) (permission, error) {
	for {
		g.mu.Lock()
		wait, turned := time.Until(g.until), g.turned
		free := g.failed < failsAt
		tries := !free && wait <= 0 && !g.trying
		if tries {
			g.trying = true
		}
		if g.trying {
			wait = time.Hour // until it turns
		}
		g.mu.Unlock()
		if free || tries {
			select {
			case g.places <- struct{}{}:
				if tries || !g.fails() {
					return permission{tries}, nil
				}
				<-g.places // it has failed while others were under way
				continue
			case <-ctx.Done():
				if tries {
					g.leaveTry()
				}
				return permission{}, ctx.Err()
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-turned:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if err := ctx.Err(); err != nil {
			return permission{}, err
		}
	}
}

// leave ends a request. after is how long the endpoint wants to be left alone.
func (g *gate) leave(p permission, v verdict, after time.Duration) {
	<-g.places
	g.mu.Lock()
	was := g.failed >= failsAt
	switch v {
	case taken, refused:
		g.failed, g.pressed, g.until = 0, 0, time.Time{}
	case failed:
		g.failed++
		if after > 0 {
			g.failed = max(g.failed, failsAt)
		}
		if g.failed >= failsAt && (p.tries || !was) { // those that were under way say the same
			g.until = time.Now().Add(max(backoff(g.pressed), after))
			g.pressed++
		}
	}
	if p.tries {
		g.trying = false
	}
	is := g.failed >= failsAt
	if p.tries || was != is {
		g.turnLocked()
	}
	g.mu.Unlock()
	if was != is {
		g.telling.Lock()
		defer g.telling.Unlock()
		g.changed(g.fails()) // by now, since another may have been here in between
	}
}

// fails tells whether the endpoint is taken for dead.
func (g *gate) fails() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed >= failsAt
}

func (g *gate) leaveTry() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trying = false
	g.turnLocked()
}

// turnLocked has those who wait look again.
func (g *gate) turnLocked() {
	close(g.turned)
	g.turned = make(chan struct{})
}

// rest waits for a time, or until ctx is done; and no longer than until an endpoint that was
// taken for dead is there again.
func (g *gate) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for dead := false; ; {
		g.mu.Lock()
		was := dead
		dead = g.failed >= failsAt
		turned := g.turned
		g.mu.Unlock()
		if was && !dead {
			return
		}
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-turned:
		}
	}
}
