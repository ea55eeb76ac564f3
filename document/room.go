package document

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Room is HasRoom for whoever is asked by strangers: when there seems to be no room, all is looked at by one at a time, and what
// came of it counts for roomKnown. It may be used by many goroutines at once.
type Room struct {
	bucket *Bucket
	below  Key
	most   int

	counting chan struct{} // has who looks at all

	mu    sync.Mutex
	until time.Time // that left counts; zero while nobody has looked at all
	left  int
}

// roomKnown is for how long it counts what was found when all was looked at.
const roomKnown = 10 * time.Second

// Room tells how much room is below k, for so many documents.
func (b *Bucket) Room(k Key, most int) *Room {
	return &Room{bucket: b, below: k, most: most, counting: make(chan struct{}, 1)}
}

// Take tells whether there is room for one more. Of several that are made at once some may still get in.
func (r *Room) Take(ctx context.Context) (ok bool, err error) {
	if ok, known := r.take(time.Now()); known {
		return ok, nil
	}
	n, err := r.bucket.Count(ctx, r.below)
	if err != nil || n < r.most {
		return err == nil, err
	}
	select {
	case r.counting <- struct{}{}:
		defer func() { <-r.counting }()
	case <-ctx.Done():
		return false, fmt.Errorf("look for room below %s: %w", r.below, ctx.Err())
	}
	if ok, known := r.take(time.Now()); known { // meanwhile
		return ok, nil
	}
	all, _, err := r.bucket.watch(ctx, r.below, Most{Documents: r.most}, jetstream.MetaOnly())
	if err != nil {
		return false, fmt.Errorf("look for room below %s: %w", r.below, err)
	}
	now := time.Now()
	r.mu.Lock()
	r.until, r.left = now.Add(roomKnown), r.most-len(all)
	r.mu.Unlock()
	ok, _ = r.take(now)
	return ok, nil
}

// take takes one of what is left, as far as that is known.
func (r *Room) take(now time.Time) (ok, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !now.Before(r.until):
		return false, false
	case r.left <= 0:
		return false, true
	}
	r.left--
	return true, true
}

// Freed says that a document was removed: there is room for another one.
func (r *Room) Freed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left++
}
