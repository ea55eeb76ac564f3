package stream

import (
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Streams is the log and the inbox of every partition, as one process sees them.
// Its methods may be called from anywhere.
type Streams struct {
	// Set by Open and not changed.
	cfg        Config
	nc         *nats.Conn
	js         jetstream.JetStream
	metrics    *metrics
	partitions int
	replies    *replies

	// Guarded by mu.
	mu      sync.Mutex
	names   []string        // of the logs
	cursors map[int]*cursor // of partitions, where the walk before has ended
}

// Close ends what Open has begun; calls that are under way fail. The connection
// stays open.
func (s *Streams) Close() { s.replies.close() }

// InboxLimit is how many messages may wait for one identity, as configured.
func (s *Streams) InboxLimit() int { return s.cfg.InboxLimit }

// LogName names the log that partition p has, as of the last [Streams.Refresh].
// Positions in a log of another name mean nothing in it. It is short, and made of
// digits and lower-case letters.
func (s *Streams) LogName(p int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[p]
}

// setLogName tells whether it is another one than before.
func (s *Streams) setLogName(p int, created time.Time) (changed bool) {
	name := strconv.FormatInt(created.UnixNano(), 36)
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.names[p] != "" && s.names[p] != name
	s.names[p] = name
	return changed
}

// side is one of the two streams of a partition.
type side struct {
	stream string
	prefix string
	inbox  bool
}

func logOf(p int) side   { return side{stream: logStream(p), prefix: logPrefix(p)} }
func inboxOf(p int) side { return side{stream: inboxStream(p), prefix: inboxPrefix(p), inbox: true} }

func (s side) mark() string { return s.prefix + markLabel }

// what names it in metrics.
func (s side) what() string {
	if s.inbox {
		return "inbox"
	}
	return "log"
}
