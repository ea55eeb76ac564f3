package poll

import (
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// Config is what a Group needs to know. The zero Config is a good one.
type Config struct {
	// Loops is how many loops there are. More than cores help only when handlers
	// block, which they must not. Default GOMAXPROCS.
	Loops int

	// ReadBuffer is how many bytes a loop reads from one connection in one turn;
	// there is one such buffer for each loop. Smaller is fairer between
	// connections, larger takes fewer system calls. Default 64 KiB.
	ReadBuffer int

	// MaxUnread is how many bytes a handler may leave unread. A connection that
	// exceeds it is closed with ErrTooLong. It must be above the longest frame
	// of the protocol. Default 1 MiB.
	MaxUnread int

	// MaxHeld is how many bytes may be unread of all connections together, those
	// included that handlers keep (Conn.Hold). When there are more, those are closed
	// with ErrHeld of which something has been held for longest. Each loop has its
	// part. Default 128 MiB, negative none.
	MaxHeld int

	// MaxQueued is how many bytes may wait in all out queues together. When there are
	// more, a connection takes nothing more while anything waits for it. Each loop has
	// its part. Default 256 MiB, negative none.
	MaxQueued int

	// QueueLimit is how many bytes may wait in the out queue of a connection
	// that has not been given another limit by Conn.SetQueueLimit.
	// Default 256 KiB.
	QueueLimit int

	// MaxAppend is the length, in bytes, of the longest frame that an empty
	// queue takes even if it is above the queue's limit. Default 1 MiB.
	MaxAppend int

	// Linger is how long a connection that has written its last byte waits for
	// the peer to end its side too. Closing earlier might make the system throw
	// away what the peer has not read yet. Default 2s, negative none.
	Linger time.Duration

	// New makes a connection as a part of what is to be its handler, which the Opener
	// finds by Conn.Handler and may return: one object for both takes less memory than two,
	// and little else has its size. Default: a connection is by itself.
	New func() (*Conn, Handler)

	// Goroutines uses no epoll even where there is one, so that a test can run a
	// group over in-memory connections inside a testing/synctest bubble.
	Goroutines bool

	// Logger is told when accepting has to pause. Default: discarded.
	Logger logrus.FieldLogger

	// Registerer gets the metrics limegrove_poll_*. Default: none.
	Registerer prometheus.Registerer
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Loops < 0 || cfg.ReadBuffer < 0 || cfg.MaxUnread < 0 || cfg.QueueLimit < 0 || cfg.MaxAppend < 0 {
		return cfg, errors.New("poll: a count or size in Config is negative")
	}
	setDefault(&cfg.Loops, runtime.GOMAXPROCS(0))
	setDefault(&cfg.ReadBuffer, 64<<10)
	setDefault(&cfg.MaxUnread, 1<<20)
	setDefault(&cfg.MaxHeld, 128<<20)
	setDefault(&cfg.MaxQueued, 256<<20)
	setDefault(&cfg.QueueLimit, 256<<10)
	setDefault(&cfg.MaxAppend, 1<<20)
	setDefault(&cfg.Linger, 2*time.Second)
	if cfg.New == nil {
		cfg.New = func() (*Conn, Handler) { return new(Conn), nil }
	}
	if cfg.Logger == nil {
		discard := logrus.New()
		discard.SetOutput(io.Discard)
		cfg.Logger = discard
	}
	return cfg, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
