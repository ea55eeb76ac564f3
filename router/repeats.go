package router

import (
	"context"
	"time"
)

// repeats tells of changes once more, some time after they were told first.
type repeats[T any] struct {
	after time.Duration
	tell  func(context.Context, T)
	queue chan repeated[T] // one that does not fit is not told again
}

type repeated[T any] struct {
	change T
	at     time.Time
}

func newRepeats[T any](after time.Duration, tell func(context.Context, T)) *repeats[T] {
	return &repeats[T]{after: after, tell: tell, queue: make(chan repeated[T], eventBacklog)}
}

// add has a change told again. It does not block.
func (r *repeats[T]) add(change T) {
	select {
	case r.queue <- repeated[T]{change, time.Now().Add(r.after)}:
	default:
	}
}

// run tells until ctx is done. The first to come is the first to be told.
func (r *repeats[T]) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-r.queue:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(next.at)):
				r.tell(ctx, next.change)
			}
		}
	}
}
