package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// Count returns how many documents are below k, as one replica has them, and those that
// were removed in the last hour: so many at most, for the price of one.
func (b *Bucket) Count(ctx context.Context, k Key) (n int, err error) {
	answers, err := jetstreamext.GetBatch(ctx, b.js, b.stream, 1, jetstreamext.GetBatchSubject(b.prefix+string(k)+".>"))
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", k, err)
	}
	for m, err := range answers {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return 0, nil
		case err != nil:
			return 0, fmt.Errorf("count %s: %w", k, err)
		}
		if _, err := fmt.Sscan(m.Header.Get("Nats-Num-Pending"), &n); err != nil {
			return 0, fmt.Errorf("count %s: %w", k, err)
		}
		n++
	}
	return n, nil
}

// HasRoom tells whether fewer documents than so many are below k. Those that were removed in
// the last hour count, too, until there seems to be no room: only then all are looked at.
// Of several that are made at once some may still get in.
func (b *Bucket) HasRoom(ctx context.Context, k Key, most int) (bool, error) {
	n, err := b.Count(ctx, k)
	if err == nil && n >= most {
		var all []Document
		all, err = b.UnderAtMost(ctx, k, Most{Documents: most})
		n = len(all)
	}
	return err == nil && n < most, err
}

// Clear removes everything below k at once, and what is known of its changes.
func (b *Bucket) Clear(ctx context.Context, k Key) error { return b.clear(ctx, k) }

// ClearBefore is Clear for what was changed before a revision last.
func (b *Bucket) ClearBefore(ctx context.Context, k Key, revision uint64) error {
	return b.clear(ctx, k, jetstream.WithPurgeSequence(revision))
}

func (b *Bucket) clear(ctx context.Context, k Key, which ...jetstream.StreamPurgeOpt) error {
	stream, err := b.js.Stream(ctx, b.stream)
	if err == nil {
		err = stream.Purge(ctx, append(which, jetstream.WithPurgeSubject(b.prefix+string(k)+".>"))...)
	}
	if err != nil {
		return fmt.Errorf("clear %s: %w", k, err)
	}
	return nil
}
