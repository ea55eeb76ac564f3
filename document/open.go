package document

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// open looks for the bucket before it makes it: an edge may not make any, and finds those of the routers.
func open(ctx context.Context, cfg Config) (jetstream.KeyValue, error) {
	stream, err := cfg.JetStream.Stream(ctx, "KV_"+cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if stream, err = create(ctx, cfg); err != nil {
			return nil, fmt.Errorf("make it: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("look at it: %w", err)
	}
	if err := check(cfg.Name, stream.CachedInfo().Config); err != nil {
		return nil, err
	}
	return cfg.JetStream.KeyValue(ctx, cfg.Name)
}

// check says whether a bucket has settings that are not ours.
func check(name string, c jetstream.StreamConfig) error {
	switch {
	case c.Storage != jetstream.FileStorage:
		return fmt.Errorf("it is kept in %s storage, not in files: %w", c.Storage, jetstream.ErrBucketExists)
	case c.MaxMsgsPerSubject != 1:
		return fmt.Errorf("it keeps a history of %d, not of 1: %w", c.MaxMsgsPerSubject, jetstream.ErrBucketExists)
	case !slices.Equal(c.Subjects, []string{"$KV." + name + ".>"}), c.SubjectDeleteMarkerTTL != markersFor, !c.AllowMsgTTL, !c.AllowRollup, !c.AllowDirect, c.MaxBytes > 0, c.MaxMsgs > 0, c.MaxAge > 0,
		c.RePublish != nil, c.Mirror != nil, len(c.Sources) > 0:
		return fmt.Errorf("it has other settings than ours: %w", jetstream.ErrBucketExists)
	}
	return nil
}

// create makes the bucket, or returns the one that was made meanwhile.
func create(ctx context.Context, cfg Config) (jetstream.Stream, error) {
	_, err := cfg.JetStream.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:         cfg.Name,
		Description:    "Limegrove " + cfg.Name,
		History:        1,
		Storage:        jetstream.FileStorage,
		Replicas:       max(cfg.Replicas, 1),
		LimitMarkerTTL: markersFor,
	})
	if err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
		return nil, err
	}
	return cfg.JetStream.Stream(ctx, "KV_"+cfg.Name)
}
