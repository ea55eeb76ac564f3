package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Open makes the bucket when it is missing. One that exists with other settings
// is an error that says which.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	kv, err := openBucket(ctx, cfg.JetStream, max(cfg.Replicas, 1))
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	s := &Store{kv: kv, hasher: cfg.Hasher, pool: newPool(cfg.Workers, cfg.Queue)}
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

func openBucket(ctx context.Context, js jetstream.JetStream, replicas int) (jetstream.KeyValue, error) {
	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      Bucket,
		Description: "Limegrove accounts",
		History:     1,
		Storage:     jetstream.FileStorage,
		Replicas:    replicas,
	})
	if errors.Is(err, jetstream.ErrBucketExists) {
		return nil, otherSettings(ctx, js, replicas, err)
	}
	if err != nil {
		return nil, fmt.Errorf("make bucket %s: %w", Bucket, err)
	}
	return kv, nil
}

// otherSettings says what is different in the bucket that is there.
func otherSettings(ctx context.Context, js jetstream.JetStream, replicas int, cause error) error {
	stream, err := js.Stream(ctx, "KV_"+Bucket)
	if err != nil {
		return fmt.Errorf("bucket %s: %w", Bucket, errors.Join(cause, err))
	}
	c := stream.CachedInfo().Config
	switch {
	case c.Replicas != replicas:
		return fmt.Errorf("bucket %s has %d replicas, not %d: %w", Bucket, c.Replicas, replicas, cause)
	case c.Storage != jetstream.FileStorage:
		return fmt.Errorf("bucket %s is kept in %s storage, not in files: %w", Bucket, c.Storage, cause)
	case c.MaxMsgsPerSubject != 1:
		return fmt.Errorf("bucket %s keeps a history of %d, not of 1: %w", Bucket, c.MaxMsgsPerSubject, cause)
	}
	return fmt.Errorf("bucket %s has other settings than ours: %w", Bucket, cause)
}
