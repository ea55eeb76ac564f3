package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Change is what Follow tells.
type Change struct {
	Document      // without a value when it was removed
	Removed  bool // it is no more
	All      bool // nothing but this: all that there was has been told
}

// Follow tells of each document that the bucket has, then once that those were all, and from then on of
// each that changes or is removed, until ctx is done, which is no error. tell is called by one goroutine,
// one call after the other.
func (b *Bucket) Follow(ctx context.Context, tell func(Change)) (err error) {
	w, err := b.kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("follow %s: %w", b.stream, err)
	}
	defer func() {
		stopped := w.Stop()
		for range w.Updates() { // the library waits for a reader of what it has, also when its consumer could not be ended
		}
		if err == nil && ctx.Err() == nil && stopped != nil {
			err = fmt.Errorf("follow %s: %w", b.stream, stopped)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Updates():
			switch {
			case !ok && ctx.Err() != nil:
				return nil
			case !ok:
				return errors.New("follow " + b.stream + ": it was cut off")
			case e == nil:
				tell(Change{All: true})
			default:
				removed := e.Operation() != jetstream.KeyValuePut
				tell(Change{Document{Key: Key(e.Key()), Revision: e.Revision(), Changed: e.Created(), Value: e.Value()}, removed, false})
			}
		}
	}
}
