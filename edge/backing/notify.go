package backing

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"sync"
	"time"

	"limegrove/internal/outcall"
)

// What the API is told goes in lanes, a call at a time in each, and the same lane for all of
// one connection.
const (
	lanes      = 16
	laneLength = 256
)

// lane is the way of what the API is told of some connections.
type lane struct {
	notices chan notice

	mu      sync.Mutex
	waiting map[string]struct{} // what is in notices, by its key
}

// notice is something that the API is told.
type notice struct {
	key     string // of the connection and the path
	path    string
	headers http.Header
}

// Notify tells the API something about a connection, later. It takes headers and does not
// block; what does not fit is dropped. What waits to be told is told once, however often it is
// said: a client that pings without end leaves room for others.
func (a *API) Notify(connection, path string, headers http.Header) {
	l := a.lanes[maphash.String(a.seed, connection)%lanes]
	key := connection + " " + path
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, waits := l.waiting[key]; waits {
		return
	}
	select {
	case l.notices <- notice{key, path, headers}:
		l.waiting[key] = struct{}{}
		a.metrics.waiting.Inc()
	default:
		a.metrics.drop(dropQueueFull)
	}
}

// Run tells the API what it is to be told until ctx is done, and then what is left, for as long
// as one call may take.
func (a *API) Run(ctx context.Context) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(a.cfg.Timeout, cancel) })
	defer stop()
	var running sync.WaitGroup
	for _, lane := range a.lanes {
		running.Go(func() { a.walk(ctx, last, lane) })
	}
	running.Wait()
	a.asked.Close()
	a.told.Close()
}

// walk empties a lane until ctx is done, and what is in it then, with calls that live as long
// as last.
func (a *API) walk(ctx, last context.Context, l *lane) {
	for {
		select {
		case n := <-l.notices:
			l.took(n)
			a.tell(last, n)
			continue
		default:
		}
		select {
		case n := <-l.notices:
			l.took(n)
			a.tell(last, n)
		case <-ctx.Done():
			return
		}
	}
}

// took has the same be told anew.
func (l *lane) took(n notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, n.key)
}

// tell makes one call.
func (a *API) tell(ctx context.Context, n notice) {
	a.metrics.waiting.Dec()
	request, err := a.request(ctx, http.MethodPost, n.path, n.headers)
	if err == nil {
		_, err = a.told.Do(request, func(said *outcall.Answer) error {
			if isAway(said.Status) {
				return statusError(said.Status)
			}
			return nil
		})
	}
	switch {
	case err == nil:
		a.metrics.told.Inc()
	case errors.Is(err, outcall.ErrLeftAlone):
		a.metrics.drop(dropLeftAlone)
	default:
		a.metrics.drop(dropFailed)
		a.cfg.Logger.WithError(err).Debug("the backing API was not told of a client")
	}
}
