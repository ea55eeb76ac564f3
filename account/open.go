package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Open makes the bucket when it is missing. One that exists with other settings
// is an error that says which; its number of replicas is the operator's to change.
//
// Errors of JetStream are wrapped. After one that passes Open may be called again.
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
	kv, err := makeBucket(ctx, js, replicas)
	if err == nil {
		return kv, nil
	}
	stream, missing := js.Stream(ctx, "KV_"+Bucket)
	if errors.Is(missing, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("make bucket %s: %w", Bucket, err)
	}
	if missing != nil {
		return nil, fmt.Errorf("look at bucket %s: %w", Bucket, missing)
	}
	c := stream.CachedInfo().Config
	if c.Replicas != replicas {
		if kv, err = makeBucket(ctx, js, c.Replicas); err == nil {
			return kv, nil
		}
	}
	if !errors.Is(err, jetstream.ErrBucketExists) {
		return nil, fmt.Errorf("open bucket %s: %w", Bucket, err)
	}
	err = jetstream.ErrBucketExists // without what is joined to it, on a line of its own
	switch {
	case c.Storage != jetstream.FileStorage:
		return nil, fmt.Errorf("bucket %s is kept in %s storage, not in files: %w", Bucket, c.Storage, err)
	case c.MaxMsgsPerSubject != 1:
		return nil, fmt.Errorf("bucket %s keeps a history of %d, not of 1: %w", Bucket, c.MaxMsgsPerSubject, err)
	}
	return nil, fmt.Errorf("bucket %s has other settings than ours: %w", Bucket, err)
}

// makeBucket makes the bucket, or returns the one that is there with just these
// settings.
func makeBucket(ctx context.Context, js jetstream.JetStream, replicas int) (jetstream.KeyValue, error) {
	return js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      Bucket,
		Description: "Limegrove accounts",
		History:     1,
		Storage:     jetstream.FileStorage,
		Replicas:    replicas,
	})
}
