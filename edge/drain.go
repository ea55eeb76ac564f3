package edge

import (
	"context"
	"maps"
	"slices"
	"time"
)

// How sessions are finished: in lots with a pause between them, so that their clients
// do not all come back at the same moment, within a part of the time that there is.
const (
	drainPause = 50 * time.Millisecond
	drainLot   = 500 // sessions in a lot, at least
	drainPart  = 0.5 // of the time
)

// lotOf is how many of n sessions a lot has.
func lotOf(ctx context.Context, n int) int {
	deadline, ok := ctx.Deadline()
	if !ok {
		return drainLot
	}
	lots := max(1, int(time.Until(deadline).Seconds()*drainPart/drainPause.Seconds()))
	return max(drainLot, (n+lots-1)/lots)
}

// Shutdown finishes all sessions and waits for their connections to end, until ctx
// is done; what is still open then is cut. End the contexts of Serve first, so that
// nobody comes in. Requests for an upgrade that are still under way get 503. After
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
	e.finishAll(ctx)
	select {
	case <-e.empty:
	case <-ctx.Done():
		if left := e.Connections(); left > 0 {
			e.log.WithField("connections", left).Warn("cutting connections that did not end in time")
		}
	}
}

// finishAll has every connection ended by its loop, lot by lot.
func (e *Edge) finishAll(ctx context.Context) {
	e.mu.Lock()
	all := slices.Collect(maps.Keys(e.conns))
	e.mu.Unlock()
	if len(all) == 0 {
		e.emptied.Do(func() { close(e.empty) })
		return
	}
	e.log.WithField("connections", len(all)).Info("finishing sessions")
	lot := lotOf(ctx, len(all))
	for i, c := range all {
		// A connection that is gone needs no end.
		_ = c.back(c.stop)
		if i%lot == lot-1 {
			select {
			case <-time.After(drainPause):
			case <-ctx.Done():
			}
		}
	}
}

// stop ends a connection because the edge stops, from its loop.
func (c *conn) stop() {
	switch c.phase {
	case handshaking: // a whole request is answered as it comes; half a one is not
		c.hangUp()
	case open:
		c.session.stop()
	}
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
func (e *Edge) Connections() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.conns)
}
