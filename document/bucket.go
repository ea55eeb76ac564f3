package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
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
// several times. It returns the new value, or nil to remove the document; when there was none, that
// changes nothing. Its error ends the change and is returned as it is.
func (b *Bucket) Change(ctx context.Context, k Key, change func(old Document) ([]byte, error)) error {
	_, err := b.Revise(ctx, k, change)
	return err
}

// Revise is Change, and returns the revision of the change, 0 when there was none.
func (b *Bucket) Revise(ctx context.Context, k Key, change func(old Document) ([]byte, error)) (revision uint64, err error) {
	const tries = 10
	for n := 1; ; n++ {
		revision, err := b.changeOnce(ctx, k, change)
		if !isConflict(err) {
			return revision, err
		}
		if n == tries {
			return 0, fmt.Errorf("change %s: %w", k, ErrConflict)
		}
		// A little later each time: others are at it.
		select {
		case <-time.After(time.Duration(n) * 5 * time.Millisecond):
		case <-ctx.Done():
			return 0, fmt.Errorf("change %s: %w", k, ctx.Err())
		}
	}
}

func (b *Bucket) changeOnce(ctx context.Context, k Key, change func(Document) ([]byte, error)) (revision uint64, err error) {
	old, err := b.Latest(ctx, k)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, fmt.Errorf("change %s: %w", k, err)
	}
	value, changed := change(old)
	if changed != nil {
		return 0, changed
	}
	switch {
	case value == nil && err != nil:
		return 0, nil
	case value == nil:
		revision, err = b.purge(ctx, k, old.Revision)
	case err != nil:
		revision, err = b.kv.Create(ctx, string(k), value)
	default:
		revision, err = b.kv.Update(ctx, string(k), value, old.Revision)
	}
	if err != nil {
		return 0, fmt.Errorf("change %s: %w", k, err)
	}
	return revision, nil
}

// purge does what jetstream.KeyValue.Purge does, which does not tell the revision.
func (b *Bucket) purge(ctx context.Context, k Key, last uint64) (revision uint64, err error) {
	m := nats.NewMsg(b.prefix + string(k))
	m.Header.Set("KV-Operation", "PURGE")
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	ack, err := b.js.PublishMsg(ctx, m, jetstream.WithMsgTTL(markersFor), jetstream.WithExpectLastSequencePerSubject(last))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// Remove removes a document, or returns ErrNotFound.
func (b *Bucket) Remove(ctx context.Context, k Key) error {
	_, err := b.RemoveIf(ctx, k, func(Document) error { return nil })
	return err
}

// RemoveIf removes a document for which check has no error, which otherwise is returned as
// it is, or returns ErrNotFound. The revision is that of the removal: what has a higher one
// was written later. check may be called several times.
func (b *Bucket) RemoveIf(ctx context.Context, k Key, check func(Document) error) (revision uint64, err error) {
	return b.Revise(ctx, k, func(old Document) ([]byte, error) {
		if old.Revision == 0 {
			return nil, ErrNotFound
		}
		return nil, check(old)
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
