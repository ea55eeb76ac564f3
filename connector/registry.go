package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"

	"limegrove/document"
	"limegrove/internal/complaint"
)

// Bucket is the name of the key-value bucket.
const Bucket = "connectors"

// Config says where the registry is.
type Config struct {
	// JetStream is required. It stays the caller's.
	JetStream jetstream.JetStream

	// Replicas of the bucket: 3 in production, so that a NATS server may die. An existing
	// bucket keeps its own. Default 1.
	Replicas int

	// Tokens is how many identities of a domain may have one. Default 10,000.
	Tokens int

	Logger logrus.FieldLogger // required
}

// defaultTokens is that of the original.
const defaultTokens = 10_000

// followPause is the pause before the lists are read anew after an error.
const followPause = time.Second

// Registry is what the whole cluster knows of its connectors; every process has its own Registry. Its methods may
// be called from anywhere.
type Registry struct {
	cfg    Config
	bucket *document.Bucket
	warn   complaint.Log
	filter atomic.Pointer[Filter]
	tell   atomic.Pointer[func()]
}

// Open makes the bucket when it is missing, and reads the lists. After an error that passes Open may be called
// again.
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	if cfg.Tokens == 0 {
		cfg.Tokens = defaultTokens
	}
	b, err := document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: Bucket, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("open what is known of connectors: %w", err)
	}
	r := &Registry{cfg: cfg, bucket: b, warn: complaint.Log{Logger: cfg.Logger}}
	r.filter.Store(new(Filter))
	d, err := b.Latest(ctx, keyLists)
	switch {
	case errors.Is(err, document.ErrNotFound):
	case err != nil:
		return nil, fmt.Errorf("read the lists of connectors: %w", err)
	default:
		r.take(d.Value)
	}
	return r, nil
}

// keyLists is the document of the lists. No identity has a key of one part.
const keyLists document.Key = "lists"

// Filter is the lists that are in force.
func (r *Registry) Filter() *Filter { return r.filter.Load() }

// Admits tells whether a connector is let in.
func (r *Registry) Admits(name string, from netip.Addr) bool { return r.Filter().Admits(name, from) }

// Ignores tells whether nothing is taken of a connector, and told to it.
func (r *Registry) Ignores(name string) bool { return r.Filter().Ignores(name) }

// OnChange has tell called when other lists are in force. It is called by the goroutine of Run, and does not block.
func (r *Registry) OnChange(tell func()) { r.tell.Store(&tell) }

// SetLists puts lists in force, in all processes that run a registry. An error about the lists is a *lime.Reason.
func (r *Registry) SetLists(ctx context.Context, l Lists) error {
	f, err := NewFilter(l)
	if err != nil {
		return err
	}
	text, err := json.Marshal(f.lists)
	if err == nil {
		err = r.bucket.Put(ctx, keyLists, text)
	}
	if err != nil {
		return fmt.Errorf("set the lists of connectors: %w", err)
	}
	return nil
}

// Latest are the lists as the bucket's leader has them.
func (r *Registry) Latest(ctx context.Context) (l Lists, err error) {
	d, err := r.bucket.Latest(ctx, keyLists)
	if errors.Is(err, document.ErrNotFound) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(d.Value, &l)
	}
	if err != nil {
		return l, fmt.Errorf("read the lists of connectors: %w", err)
	}
	return l, nil
}

// Run follows the lists until ctx is done. While they cannot be followed, those count on that were known.
func (r *Registry) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.bucket.Follow(ctx, func(c document.Change) {
			if c.All || c.Key != keyLists {
				return
			}
			r.take(c.Value)
		})
		if err == nil || ctx.Err() != nil {
			continue
		}
		r.warn.Warn("the lists of connectors cannot be followed; those that are known count on", err)
		select {
		case <-ctx.Done():
		case <-time.After(followPause):
		}
	}
}

// take puts a document of lists in force; none is that of a removal. Lists that cannot be read leave those in force
// that are.
func (r *Registry) take(text []byte) {
	var l Lists
	var err error
	if len(text) > 0 {
		err = json.Unmarshal(text, &l)
	}
	var f *Filter
	if err == nil {
		f, err = NewFilter(l)
	}
	if err != nil {
		r.warn.Warn("the lists of connectors cannot be read; those that are known count on", err)
		return
	}
	r.filter.Store(f)
	if tell := r.tell.Load(); tell != nil {
		(*tell)()
	}
}
