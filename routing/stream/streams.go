package stream

import (
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/routing/subject"
)

// Streams is the log, the inbox and the group messages of every partition, as one process sees them.
// Its methods may be called from anywhere.
type Streams struct {
	// Set by Open and not changed.
	cfg        Config
	nc         *nats.Conn
	js         jetstream.JetStream
	metrics    *metrics
	partitions int
	replies    *replies

	suspects suspects

	// Guarded by mu.
	mu      sync.Mutex
	known   map[string]known // of the streams, by their names
	cursors map[int]*cursor  // of partitions, where the walk before has ended
}

// Close ends what Open has begun; calls that are under way fail. The connection
// stays open.
func (s *Streams) Close() { s.replies.close() }

// InboxLimit is how many messages may wait for one identity, as configured.
func (s *Streams) InboxLimit() int { return s.cfg.InboxLimit }

// LogName names the log that partition p has, as this process has seen it last. One that
// is made anew has another. It is short, and made of digits and lower-case letters.
func (s *Streams) LogName(p int) string { return s.nameOf(logStream(p)) }

func (s *Streams) nameOf(stream string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[stream].name
}

// side is one of the streams of a partition.
type side struct {
	p      int
	stream string
	prefix string
	inbox  bool
	group  bool
	event  bool
	dead   bool // of all partitions; p is 0
	room   bool
}

// sides are the streams that are kept for a partition.
func (s *Streams) sides(p int) []side {
	all := []side{logOf(p), inboxOf(p), groupOf(p)}
	if s.cfg.Events {
		all = append(all, eventOf(p))
		if p == 0 {
			all = append(all, deadLetters)
		}
	}
	if s.cfg.Rooms {
		all = append(all, roomOf(p))
	}
	return all
}

func logOf(p int) side { return side{p: p, stream: logStream(p), prefix: logPrefix(p)} }

func inboxOf(p int) side {
	return side{p: p, stream: inboxStream(p), prefix: inboxPrefix(p), inbox: true}
}

func groupOf(p int) side {
	return side{p: p, stream: subject.GroupStream(p), prefix: strings.TrimSuffix(subject.GroupAll(p), ">"), group: true}
}

func eventOf(p int) side {
	return side{p: p, stream: subject.EventStream(p), prefix: strings.TrimSuffix(subject.EventAll(p), ">"), event: true}
}

func roomOf(p int) side {
	return side{p: p, stream: subject.RoomStream(p), prefix: strings.TrimSuffix(subject.RoomLogAll(p), ">"), room: true}
}

// deadLetters is looked after with the first partition.
var deadLetters = side{stream: subject.DeadStream, prefix: strings.TrimSuffix(subject.DeadAll, ">"), dead: true}

func (s side) mark() string { return s.prefix + markLabel }

// what names it in metrics.
func (s side) what() string {
	switch {
	case s.inbox:
		return "inbox"
	case s.group:
		return "group"
	case s.event:
		return "event"
	case s.dead:
		return "dead_letters"
	case s.room:
		return "room"
	}
	return "log"
}
