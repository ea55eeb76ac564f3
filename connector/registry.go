package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

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

	// Tokens is how many identities of a domain may have one. Default 10,000; negative for any number.
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
	first  *rate.Limiter // of tokens that are given out
	undone chan undone   // tokens that nobody was told

	mu    sync.Mutex
	rooms map[document.Key]*document.Room // by domain; maxRooms at most
	held  map[document.Key]*held          // of those who are let in here, or are about to be
	round uint64                          // how often all was read
}

// New tokens that this process gives out, a second and at once. A refusal for another reason is none of them.
const (
	firstRate  = 20
	firstBurst = 200
)

// maxRooms is for how many domains it is remembered whether there is room: connectors have one.
const maxRooms = 16

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
	r := &Registry{
		cfg: cfg, bucket: b, warn: complaint.Log{Logger: cfg.Logger}, first: rate.NewLimiter(firstRate, firstBurst),
		undone: make(chan undone, maxUndone), rooms: map[document.Key]*document.Room{}, held: map[document.Key]*held{},
	}
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

// OnChange has tell called when other lists are in force, and when a token that is held counts no more. It is called by the goroutine
// of Run, and does not block.
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

// Run follows the lists and the tokens that are held until ctx is done, and takes back what nobody was told. While they cannot be
// followed, those lists count on that were known, and whoever is let in by a token stays.
func (r *Registry) Run(ctx context.Context) {
	var undoing sync.WaitGroup
	defer undoing.Wait()
	undoing.Go(func() { r.undo(ctx) })
	for ctx.Err() == nil {
		err := r.follow(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		r.warn.Warn("what is known of connectors cannot be followed; what was known counts on", err)
		select {
		case <-ctx.Done():
		case <-time.After(followPause):
		}
	}
}

// follow reads all, and takes changes until the connection to NATS was lost: a removal is told of for an hour.
func (r *Registry) follow(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer stop(nil)
	looking.Go(func() { r.stopAgain(ctx, stop) })
	r.mu.Lock()
	r.round++
	r.mu.Unlock()
	all := false
	err := r.bucket.Follow(ctx, func(c document.Change) {
		switch {
		case c.All:
			all = true
			if err := r.recheck(ctx); err != nil {
				stop(err)
			}
		case c.Key == keyLists:
			r.take(c.Value)
		default:
			r.learn(&c, all)
		}
	})
	if err == nil && !errors.Is(context.Cause(ctx), context.Canceled) {
		err = context.Cause(ctx)
	}
	return err
}

// lookPause is how often it is looked whether the connection was lost.
const lookPause = 5 * time.Second

// stopAgain stops when the connection to NATS is another one than before.
func (r *Registry) stopAgain(ctx context.Context, stop context.CancelCauseFunc) {
	before := r.cfg.JetStream.Conn().Stats().Reconnects
	tick := time.NewTicker(lookPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if r.cfg.JetStream.Conn().Stats().Reconnects != before {
				stop(context.Canceled)
				return
			}
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
	r.changed()
}

// changed tells that others may be let in than before.
func (r *Registry) changed() {
	if tell := r.tell.Load(); tell != nil {
		(*tell)()
	}
}
