package files

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

// The defaults of Config, and the bounds of what it may say.
const (
	DefaultLifetime = 7 * 24 * time.Hour
	DefaultMaxSize  = 1 << 30
	DefaultQuota    = 10 << 30
	DefaultMaxFiles = 1000

	// MostSize is what MaxSize is at most, in bytes.
	MostSize = 4 << 30

	// UploadTime is how long an upload may take from its announcement on.
	UploadTime = 24 * time.Hour

	// TicketTime is for how long a ticket is good.
	TicketTime = time.Hour

	// grace is what JetStream keeps the bytes of a file for beyond its time.
	grace = time.Hour
)

// Config says how files are kept. All processes of a cluster say the same, but for NATS and
// Metrics.
type Config struct {
	// NATS is required, and a connection of its own: chunks would stand before envelopes
	// otherwise. It stays the caller's.
	NATS *nats.Conn

	// Buckets is over how many files are spread, 1 to 1,024, and must not change. Default 1.
	Buckets int

	// Replicas of what is made: 3 in production, so that a NATS server may die. What exists
	// keeps its own. Default 1.
	Replicas int

	// BucketBytes bounds one bucket, on the disk of each server that has it; what comes
	// beyond is refused with ErrFull. Default none.
	BucketBytes int64

	// Lifetime is how long a file is kept from when it is complete. Default DefaultLifetime.
	Lifetime time.Duration

	// MaxSize is how long a file may be, in bytes, at most MostSize. Default DefaultMaxSize.
	MaxSize int64

	// Quota is how many bytes of one identity are kept, announced ones included. Default
	// DefaultQuota; negative for no limit.
	Quota int64

	// MaxFiles is how many files of one identity are kept. Default DefaultMaxFiles.
	MaxFiles int

	// Metrics is where the package's metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer

	now func() time.Time
}

// withDefaults returns what counts, or says what cannot be.
func (c Config) withDefaults() (Config, error) {
	c.Buckets, c.Replicas = max(c.Buckets, 1), max(c.Replicas, 1)
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.MaxSize == 0 {
		c.MaxSize = DefaultMaxSize
	}
	if c.Quota == 0 {
		c.Quota = DefaultQuota
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = DefaultMaxFiles
	}
	if c.now == nil {
		c.now = time.Now
	}
	switch {
	case c.NATS == nil:
		return c, errors.New("no NATS")
	case c.Buckets > 1024:
		return c, fmt.Errorf("%d is no number of buckets: 1 to 1024", c.Buckets)
	case c.Replicas > 5:
		return c, errors.New("a bucket has 1 to 5 replicas")
	case c.Lifetime < time.Minute:
		return c, errors.New("a file is kept for at least a minute")
	case c.MaxSize < 1 || c.MaxSize > MostSize:
		return c, fmt.Errorf("a file has 1 to %d bytes", int64(MostSize))
	case c.MaxFiles < 1:
		return c, errors.New("an identity has one file or more")
	case c.BucketBytes < 0:
		return c, errors.New("a bucket has no fewer than 0 bytes")
	}
	return c, nil
}

// maxAge is how long JetStream keeps a message of a file at most: the first chunk may be as
// much older than the file is complete as an upload may take.
func (c Config) maxAge() time.Duration { return c.Lifetime + UploadTime + grace }
