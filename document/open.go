package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Config says where the documents of one kind are.
type Config struct {
	JetStream jetstream.JetStream // required; it stays the caller's
	Name      string              // of the bucket, and thereby the kind: contacts

	// Replicas of the bucket, where it is made: 3 in production, so that a NATS server
	// may die. An existing bucket keeps its own. Default 1.
	Replicas int
}

// markersFor is how long the bucket says of a document that it was removed. It is
// longer than anybody reads on from where a read has begun.
const markersFor = time.Hour

// Open makes the bucket when it is missing. One that exists with other settings
// is an error that says which; its number of replicas is the operator's to change.
//
// Errors of JetStream are wrapped. After one that passes Open may be called again.
func Open(ctx context.Context, cfg Config) (*Bucket, error) {
	switch {
	case cfg.JetStream == nil:
		return nil, errors.New("open bucket: no JetStream")
	case cfg.Name == "":
		return nil, errors.New("open bucket: no name")
	case cfg.Replicas < 0 || cfg.Replicas > 5:
		return nil, fmt.Errorf("open bucket %s: a bucket has 1 to 5 replicas", cfg.Name)
	}
	kv, err := open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", cfg.Name, err)
	}
	return &Bucket{js: cfg.JetStream, kv: kv, stream: "KV_" + cfg.Name, prefix: "$KV." + cfg.Name + "."}, nil
}

func open(ctx context.Context, cfg Config) (jetstream.KeyValue, error) {
	kv, err := create(ctx, cfg)
	if err == nil {
		return kv, nil
	}
	stream, missing := cfg.JetStream.Stream(ctx, "KV_"+cfg.Name)
	if errors.Is(missing, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("make it: %w", err)
	}
	if missing != nil {
		return nil, fmt.Errorf("look at it: %w", missing)
	}
	c := stream.CachedInfo().Config
	if c.Replicas != max(cfg.Replicas, 1) {
		cfg.Replicas = c.Replicas
		if kv, err = create(ctx, cfg); err == nil {
			return kv, nil
		}
	}
	if !errors.Is(err, jetstream.ErrBucketExists) {
		return nil, err
	}
	err = jetstream.ErrBucketExists // without what is joined to it, on a line of its own
	switch {
	case c.Storage != jetstream.FileStorage:
		return nil, fmt.Errorf("it is kept in %s storage, not in files: %w", c.Storage, err)
	case c.MaxMsgsPerSubject != 1:
		return nil, fmt.Errorf("it keeps a history of %d, not of 1: %w", c.MaxMsgsPerSubject, err)
	}
	return nil, fmt.Errorf("it has other settings than ours: %w", err)
}

// create makes the bucket, or returns the one that is there with just these
// settings.
func create(ctx context.Context, cfg Config) (jetstream.KeyValue, error) {
	return cfg.JetStream.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:         cfg.Name,
		Description:    "Limegrove " + cfg.Name,
		History:        1,
		Storage:        jetstream.FileStorage,
		Replicas:       max(cfg.Replicas, 1),
		LimitMarkerTTL: markersFor,
	})
}
