package document

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Last returns the revision of the last change of whatever is below k, a removal
// included, as the bucket's leader has it: no change that somebody was told of is
// missing. It is 0 when there never was anything, and another when what is known of the
// last change is forgotten.
func (b *Bucket) Last(ctx context.Context, k Key) (uint64, error) {
	m, err := b.leaderLast(ctx, string(k)+".>")
	if err != nil {
		return 0, fmt.Errorf("last change of %s: %w", k, err)
	}
	return m.Sequence, nil
}

// Whole returns what Under does, not older than a revision that Last has returned, and
// the revision of the last change that is in it.
func (b *Bucket) Whole(ctx context.Context, k Key, least uint64) (all []Document, revision uint64, err error) {
	for try := 1; ; try++ {
		all, revision, err = b.under(ctx, k, Most{})
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("read %s: %w", k, err)
		case revision >= least:
			return all, revision, nil
		}
		// A replica that is behind; or what was the last change then is forgotten.
		select {
		case <-time.After(time.Duration(min(try, 10)) * 5 * time.Millisecond):
		case <-ctx.Done():
			return nil, 0, fmt.Errorf("read %s: %w", k, ctx.Err())
		}
		if least, err = b.Last(ctx, k); err != nil {
			return nil, 0, err
		}
	}
}

// under returns what is below k in the order of keys, as UnderAtMost, and the last revision
// of that and of what was removed.
func (b *Bucket) under(ctx context.Context, k Key, most Most) (all []Document, revision uint64, err error) {
	all, revision, whole := b.directly(ctx, []string{b.prefix + string(k) + ".>"})
	if !whole {
		if all, revision, err = b.watch(ctx, k, most); err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(all, func(x, y Document) int { return cmp.Compare(x.Key, y.Key) })
	return all, revision, nil
}
