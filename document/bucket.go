package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The errors that callers branch on.
var (
	ErrNotFound = errors.New("the document does not exist")
	// ErrConflict says that others changed the document all the time.
	ErrConflict = errors.New("the document is being changed by others")
)

// Bucket is the documents of one kind, of the whole cluster; every process has its
// own Bucket. It may be used by many goroutines at once.
type Bucket struct {
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	stream string
	prefix string // of the subjects that keys are
}

// Document is one document. It belongs to whoever got it.
type Document struct {
	Key      Key
	Revision uint64 // rises with every change of the bucket
	Changed  time.Time
	Value    []byte
}

// Get returns a document, or ErrNotFound.
func (b *Bucket) Get(ctx context.Context, k Key) (Document, error) {
	e, err := b.kv.Get(ctx, string(k))
	if errors.Is(err, jetstream.ErrKeyNotFound) { // a removed one, too
		return Document{}, ErrNotFound
	}
	if err != nil {
		return Document{}, fmt.Errorf("get %s: %w", k, err)
	}
	return Document{Key: k, Revision: e.Revision(), Changed: e.Created(), Value: e.Value()}, nil
}

// Put makes a document what value says, whatever it was.
func (b *Bucket) Put(ctx context.Context, k Key, value []byte) error {
	if _, err := b.kv.Put(ctx, string(k), value); err != nil {
		return fmt.Errorf("put %s: %w", k, err)
	}
	return nil
}

// Change changes a document in one step with respect to other changes: change is
// given what there is by the bucket's leader, or a zero Document, and may be called
// several times. It
// returns the new value, or nil to remove the document; when there was none, that
// changes nothing. Its error ends the change and is returned as it is.
func (b *Bucket) Change(ctx context.Context, k Key, change func(old Document) ([]byte, error)) error {
	const tries = 10
	for n := 1; ; n++ {
		err := b.changeOnce(ctx, k, change)
		if !isConflict(err) {
			return err
		}
		if n == tries {
			return fmt.Errorf("change %s: %w", k, ErrConflict)
		}
		// A little later each time: others are at it.
		select {
		case <-time.After(time.Duration(n) * 5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("change %s: %w", k, ctx.Err())
		}
	}
}

func (b *Bucket) changeOnce(ctx context.Context, k Key, change func(Document) ([]byte, error)) error {
	old, err := b.leaderGet(ctx, k)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("change %s: %w", k, err)
	}
	value, changed := change(old)
	if changed != nil {
		return changed
	}
	switch {
	case value == nil && err != nil:
		return nil
	case value == nil:
		err = b.kv.Purge(ctx, string(k), jetstream.LastRevision(old.Revision), jetstream.PurgeTTL(markersFor))
	case err != nil:
		_, err = b.kv.Create(ctx, string(k), value)
	default:
		_, err = b.kv.Update(ctx, string(k), value, old.Revision)
	}
	if err != nil {
		return fmt.Errorf("change %s: %w", k, err)
	}
	return nil
}

// Remove removes a document, or returns ErrNotFound.
func (b *Bucket) Remove(ctx context.Context, k Key) error {
	return b.Change(ctx, k, func(old Document) ([]byte, error) {
		if old.Revision == 0 {
			return nil, ErrNotFound
		}
		return nil, nil
	})
}

// isConflict tells whether the key had another revision than the one named:
// with replicas JetStream has a code of its own for it.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
			api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
