package document

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// Under returns the documents whose keys begin with k and a dot, in the order of
// their keys, however many they are. Up to some hundred cost one round trip, more
// a consumer of JetStream that lives for the moment.
func (b *Bucket) Under(ctx context.Context, k Key) ([]Document, error) {
	return b.UnderAtMost(ctx, k, Most{})
}

// Most bounds what is read at once.
type Most struct {
	Documents int // 0 for any number
	Bytes     int // of their values together; 0 for any number
}

// fits tells whether it allows so much.
func (m Most) fits(documents, bytes int) bool {
	return (m.Documents == 0 || documents <= m.Documents) && (m.Bytes == 0 || bytes <= m.Bytes)
}

// UnderAtMost is Under for what fits: those documents that have not been changed for the
// longest, where there are more.
func (b *Bucket) UnderAtMost(ctx context.Context, k Key, most Most) ([]Document, error) {
	all, _, err := b.under(ctx, k, most)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", k, err)
	}
	slices.SortFunc(all, func(x, y Document) int { return cmp.Compare(x.Revision, y.Revision) })
	bytes := 0
	for i := range all {
		if bytes += len(all[i].Value); !most.fits(i+1, bytes) {
			all = all[:i]
			break
		}
	}
	slices.SortFunc(all, func(x, y Document) int { return cmp.Compare(x.Key, y.Key) })
	return all, nil
}

// maxDirect is how many documents one direct read is asked for. JetStream finds at
// most 1,024.
const maxDirect = 512

// Several returns those documents of keys that there are, in any order; each key
// stands there once.
func (b *Bucket) Several(ctx context.Context, keys []Key) ([]Document, error) {
	var all []Document
	for some := range slices.Chunk(keys, maxDirect) {
		subjects := make([]string, len(some))
		for i, k := range some {
			subjects[i] = b.prefix + string(k)
		}
		got, whole := b.direct(ctx, subjects)
		if !whole {
			var err error
			if got, err = b.each(ctx, some); err != nil {
				return nil, err
			}
		}
		all = append(all, got...)
	}
	return all, nil
}

// Absent tells that none of keys, at most some hundred, has a document, which any replica says in one short
// answer. False says nothing: Several knows.
func (b *Bucket) Absent(ctx context.Context, keys []Key) bool {
	if len(keys) == 0 || len(keys) > maxDirect {
		return len(keys) == 0
	}
	ask := struct {
		MultiLast []string `json:"multi_last"`
	}{make([]string, len(keys))}
	for i, k := range keys {
		ask.MultiLast[i] = b.prefix + string(k)
	}
	text, err := json.Marshal(ask)
	if err != nil {
		return false
	}
	answer, err := b.js.Conn().RequestWithContext(ctx, "$JS.API.DIRECT.GET."+b.stream, text)
	return err == nil && answer.Header.Get("Status") == "404" && answer.Header.Get("Description") == noResults
}

// noResults is how JetStream says that no subject of several has a message; it says otherwise that one could not be read.
const noResults = "No Results"

// direct reads the documents of subjects, which may have wildcards, from any replica
// in one round trip. They are not whole when there are too many, or when anything is
// missing of the answer.
func (b *Bucket) direct(ctx context.Context, subjects []string) (all []Document, whole bool) {
	all, _, whole = b.directly(ctx, subjects)
	return all, whole
}

// directly is direct, and returns the last revision of the documents and of what was
// removed.
func (b *Bucket) directly(ctx context.Context, subjects []string) (all []Document, last uint64, whole bool) {
	answers, err := jetstreamext.GetLastMsgsFor(ctx, b.js, b.stream, subjects)
	if err != nil {
		return nil, 0, false
	}
	pending := ""
	for m, err := range answers {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return nil, 0, pending == ""
		case err != nil:
			return nil, 0, false
		case m.Header.Get("Nats-Last-Sequence") != fmt.Sprint(last): // one before it is missing
			return nil, 0, false
		}
		last, pending = m.Sequence, m.Header.Get("Nats-Num-Pending")
		if !isRemoval(m.Header) {
			k := Key(strings.TrimPrefix(m.Subject, b.prefix))
			all = append(all, Document{Key: k, Revision: m.Sequence, Changed: m.Time, Value: m.Data})
		}
	}
	return all, last, pending == "0"
}

// each reads documents one by one.
func (b *Bucket) each(ctx context.Context, keys []Key) (all []Document, err error) {
	for _, k := range keys {
		d, err := b.Get(ctx, k)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		default:
			all = append(all, d)
		}
	}
	return all, nil
}

// watch reads what is below k by a consumer, the oldest change first, as much as fits.
// With them comes the last revision, as directly has it.
func (b *Bucket) watch(ctx context.Context, k Key, most Most, opts ...jetstream.WatchOpt) (all []Document, last uint64, err error) {
	w, err := b.kv.Watch(ctx, string(k)+".>", opts...)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		stopped := w.Stop()
		if stopped == nil {
			for range w.Updates() { // the library waits for a reader of what it has
			}
		}
		if err == nil {
			err = stopped
		}
	}()
	for bytes := 0; ; {
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return nil, 0, errors.New("the list was cut off")
			case e == nil: // all that there was
				return all, last, nil
			}
			if e.Operation() == jetstream.KeyValuePut {
				if bytes += len(e.Value()); !most.fits(len(all)+1, bytes) {
					return all, last, nil
				}
			}
			last = max(last, e.Revision())
			if e.Operation() != jetstream.KeyValuePut {
				continue
			}
			all = append(all, Document{Key: Key(e.Key()), Revision: e.Revision(), Changed: e.Created(), Value: e.Value()})
		}
	}
}
