package account

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// Bucket is the name of the key-value bucket.
const Bucket = "accounts"

// Config says where accounts are and how much of the machine passwords get.
type Config struct {
	// JetStream is required. It stays the caller's.
	JetStream jetstream.JetStream

	// Replicas of the bucket: 3 in production, so that a NATS server may die.
	// An existing bucket keeps its own. Default 1.
	Replicas int

	// Workers is how many passwords are hashed at once; each takes a core for
	// some tens of milliseconds and 19 MiB. Default GOMAXPROCS.
	Workers int

	// Queue is how many callers wait for a worker before ErrBusy. More means longer waits,
	// not more logins. Default 32 for each worker, which is about a second; negative for
	// none.
	Queue int

	// Remember is for how long it is known that a password has matched, so that it is not
	// hashed again; see memory.go. Default 15 minutes, negative for not at all.
	Remember time.Duration

	// Remembered bounds how many are known, at some 150 bytes each. Default 65,536.
	Remembered int

	// Hasher makes and checks hashes. Default Argon2id. Tests count with
	// their own.
	Hasher Hasher

	// Metrics is where the package's metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer
}
