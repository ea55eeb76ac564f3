package process

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/files"
	"limegrove/internal/config"
	"limegrove/router"
	"limegrove/routing"
	"limegrove/routing/stream"
)

// Files is a process's part in files. The zero value has none.
type Files struct {
	Store *files.Store // nil for none
	nats  *nats.Conn
}

// OpenFiles makes the buckets of files, or checks those that are there, over a connection of their own. It waits for JetStream.
// Without -files-url there are none.
func (p *Process) OpenFiles(ctx context.Context, cfg config.Shared, streams *stream.Streams) (f Files, err error) {
	if !cfg.Files.On() {
		return f, nil
	}
	if f.nats, err = routing.Connect(p.connection(cfg, string(p.Incarnation())+" files", "files")); err != nil {
		return Files{}, fmt.Errorf("-nats: %w", err)
	}
	quota := int64(cfg.Files.Quota)
	if quota == 0 {
		quota = -1
	}
	err = p.Patiently(ctx, "the files", func(ctx context.Context) error {
		f.Store, err = files.Open(ctx, files.Config{
			NATS: f.nats, Buckets: streams.Partitions(), Replicas: cfg.Replicas, BucketBytes: int64(cfg.Files.Bytes),
			Lifetime: cfg.Files.Lifetime, MaxSize: int64(cfg.Files.Size), Quota: quota, MaxFiles: cfg.Files.Number,
			Metrics: p.Metrics,
		})
		return err
	})
	if errors.Is(err, files.ErrSettings) {
		err = fmt.Errorf("-file-lifetime and -file-bytes must be what they were when the cluster was made: %w", err)
	}
	if err != nil {
		f.nats.Close()
		return Files{}, err
	}
	return f, nil
}

// Close closes the connection, when nobody uses the store any more.
func (f Files) Close() {
	if f.nats != nil {
		f.nats.Close()
	}
}

// For has a router answer for files.
func (f Files) For(work *router.Config, cfg config.Files) {
	work.Files, work.FilesURL, work.FileGuests = f.Store, cfg.URL, cfg.Guests
}
