package account

import (
	"context"
	"runtime"
	"time"
)

// patience is how long one waits for a worker. An edge asks another router, too, for a
// login that takes two seconds: who waits that long makes work for two.
const patience = time.Second

// pool bounds the hashing of passwords: how many at once, and how many wait.
type pool struct {
	places chan struct{} // one for each that waits or works
	slots  chan struct{} // one for each that works
}

func newPool(workers, queue int) *pool {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case queue == 0:
		queue = 32 * workers
	case queue < 0:
		queue = 0
	}
	return &pool{
		places: make(chan struct{}, workers+queue),
		slots:  make(chan struct{}, workers),
	}
}

// enter takes a place and returns ErrBusy at once when there is none. Whoever
// enters must leave.
func (p *pool) enter() error {
	select {
	case p.places <- struct{}{}:
		return nil
	default:
		return ErrBusy
	}
}

func (p *pool) leave() { <-p.places }

// do runs work when it is its turn, within ctx until then, and returns ErrBusy when that
// is not within patience. The caller has entered.
func (p *pool) do(ctx context.Context, work func() error) error {
	waiting := time.NewTimer(patience)
	defer waiting.Stop()
	select {
	case p.slots <- struct{}{}:
	case <-waiting.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	if err := ctx.Err(); err != nil { // the select chooses at random
		return err
	}
	return work()
}
