package roster

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/document"
)

// The names of the key-value buckets.
const (
	bucketContacts      = "contacts"
	bucketSubscriptions = "subscriptions"
	bucketSeen          = "seen"
)

// Config says where the documents are, and how many an identity may have.
type Config struct {
	JetStream jetstream.JetStream // required; it stays the caller's

	// Replicas of the buckets, where they are made: 3 in production. Default 1.
	Replicas int

	// MaxContacts bounds the contacts of one identity. A change of presence is told to
	// each of them, and a session that begins is told of each. Default 5000.
	MaxContacts int

	// MaxSubscriptions bounds whose presences one identity is subscribed to. Default 1000.
	MaxSubscriptions int
}

// Store is the documents of the whole cluster; every process has its own Store. It has no
// goroutine and nothing to close, and remembers at most 32 MiB of who was asked for.
type Store struct {
	contacts      *document.Bucket
	subscriptions *document.Bucket
	seen          *document.Bucket

	known *memory // whose contacts are who

	maxContacts      atomic.Int64
	maxSubscriptions int
}

// Open makes the buckets that are missing. Errors are those of document.Open.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{known: newMemory(maxKnown), maxSubscriptions: cfg.MaxSubscriptions}
	s.SetMaxContacts(cfg.MaxContacts)
	if s.maxSubscriptions <= 0 {
		s.maxSubscriptions = 1000
	}
	for name, b := range map[string]**document.Bucket{
		bucketContacts: &s.contacts, bucketSubscriptions: &s.subscriptions, bucketSeen: &s.seen,
	} {
		var err error
		if *b, err = document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: name, Replicas: cfg.Replicas}); err != nil {
			return nil, fmt.Errorf("open roster: %w", err)
		}
	}
	return s, nil
}

// SetMaxContacts puts another MaxContacts in force, for those that are added from then on. It may be called from anywhere.
func (s *Store) SetMaxContacts(n int) {
	if n <= 0 {
		n = 5000
	}
	s.maxContacts.Store(int64(n))
}
