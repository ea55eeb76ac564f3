package edge

import (
	"context"
	"math/rand/v2"
	"time"

	"limegrove/edge/poll"
)

// How a drain spends its time: first sessions are told to go, in lots with pauses
// between them, so that their clients do not all come back at the same moment: a
// password costs whoever checks it 30 ms or more of a processor, and clients that come
// together wait for each other. Each has then a part of the time for what it has not
// acknowledged, and the rest is for last frames.
const (
	drainSpread = 0.5                    // of the time, for the lots
	drainSettle = 0.3                    // of the time, for each session
	shortPause  = 100 * time.Millisecond // between two lots on average: many sessions
	longPause   = 200 * time.Millisecond // and few

	// Without an end of the time, these are the sessions in a lot and each one's time.
	drainLot   = 50
	settleTime = 10 * time.Second
)

// drainPlan is how a number of sessions are told to go.
type drainPlan struct {
	lot    int           // sessions at once
	pause  time.Duration // until the next ones, on average
	settle time.Duration // what each has
}

// planDrain plans for n sessions until ctx is done.
func planDrain(ctx context.Context, n int) drainPlan {
	deadline, ok := ctx.Deadline()
	if !ok {
		return drainPlan{lot: drainLot, pause: shortPause, settle: settleTime}
	}
	left := max(0, time.Until(deadline))
	spread := time.Duration(drainSpread * float64(left))
	most := max(1, int(spread/shortPause))
	lot := max(1, (n+most-1)/most)
	lots := (n + lot - 1) / lot
	return drainPlan{
		lot:    lot,
		pause:  min(longPause, spread/time.Duration(max(1, lots))),
		settle: time.Duration(drainSettle * float64(left)),
	}
}

// Shutdown finishes all sessions, each after what it has not acknowledged or its share
// of the time, and waits for their connections to end, until ctx is done; what is still
// open then is cut. End the contexts of Serve first, so that
// nobody comes in. Requests for an upgrade that are still under way get 503; of connections that wait for their turn
// those do whose turn comes before all is cut. After
// it, Run returns. Called again, it waits for the end that the first call brings.
func (e *Edge) Shutdown(ctx context.Context) {
	if e.draining.Swap(true) {
		select {
		case <-e.shut:
		case <-ctx.Done():
		}
		return
	}
	defer close(e.shut)
	defer e.Close()
	e.drainBegan.Store(int64(e.instant(time.Now())))
	if by, ok := ctx.Deadline(); ok {
		e.metrics.drainLimit.Set(time.Until(by).Seconds())
	}
	e.finishAll(ctx)
	select {
	case <-e.empty:
	case <-ctx.Done():
		if left := e.Connections(); left > 0 {
			e.log.WithField("connections", left).Warn("cutting connections that did not end in time")
		}
	}
}

// finishAll has every connection go, lot by lot.
func (e *Edge) finishAll(ctx context.Context) {
	if e.opened.Load() == 0 {
		e.emptied.Do(func() { close(e.empty) })
		return
	}
	all := e.loops.Conns()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	plan := planDrain(ctx, len(all))
	e.log.WithField("connections", e.Connections()).Info("finishing sessions")
	for begin := 0; begin < len(all); begin += plan.lot {
		if begin > 0 {
			select {
			case <-time.After(plan.pause/2 + rand.N(plan.pause+1)):
			case <-ctx.Done():
			}
		}
		for _, s := range all[begin:min(begin+plan.lot, len(all))] {
			withClient(s, func(c *conn) { c.depart(forDrain, plan.settle) })
		}
	}
}

// withClient has fn called by the loop of a connection that is served, unless that is gone.
func withClient(s *poll.Conn, fn func(*conn)) {
	_ = s.Post(func(*poll.Turn) {
		if c, ok := s.Handler().(*conn); ok {
			fn(c)
		}
	})
}

// Close cuts all connections at once. It may be called twice, and after Shutdown.
func (e *Edge) Close() {
	e.draining.Store(true)
	e.cancel()
	e.loops.Close()
}

// Draining tells whether the edge has begun to stop, and takes no new sessions.
func (e *Edge) Draining() bool { return e.draining.Load() }

// Sessions returns the number of established sessions.
func (e *Edge) Sessions() int { return int(e.sessions.Load()) }

// Connections returns the number of open connections.
func (e *Edge) Connections() int { return int(e.opened.Load()) }
