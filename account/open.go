package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"limegrove/document"
)

// Open makes the bucket when it is missing. One that exists with other settings
// is an error that says which; its number of replicas is the operator's to change.
//
// Errors of JetStream are wrapped. After one that passes Open may be called again.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	bucket, err := document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: Bucket, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	s := &Store{bucket: bucket, hasher: cfg.Hasher, pool: newPool(cfg.Workers, cfg.Queue)}
	s.remembered = cmp.Or(cfg.Remembered, 1<<16)
	s.SetRemember(cfg.Remember)
	if s.hasher == nil {
		s.hasher = argon2{}
	}
	if s.nobody, err = s.hasher.Hash([]byte(rand.Text())); err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	if s.stats, err = newStats(cfg.Metrics, s.pool); err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	return s, nil
}

// SetRemember puts another Remember in force, and forgets what is known. It may be called from anywhere.
func (s *Store) SetRemember(keep time.Duration) {
	s.memory.Store(newMemory(s.remembered, cmp.Or(keep, 15*time.Minute)))
}
