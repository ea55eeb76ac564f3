package stream

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// The defaults of Config.
const (
	DefaultDuplicateWindow = 20 * time.Second
	DefaultLifetime        = 7 * 24 * time.Hour
	DefaultInboxLimit      = 10_000
	DefaultEventsAge       = 72 * time.Hour
	DefaultEventsBytes     = 64 << 20
	DefaultEventsEach      = 10_000
	DefaultRoomMessages    = 10_000
	DefaultRoomAge         = 24 * time.Hour
)

// Config says how the streams are made, where they are missing, and checked,
// where they are there.
type Config struct {
	// NATS is required. It stays the caller's.
	NATS *nats.Conn

	// Partitions of the cluster, 1 to 1,024. Default what is recorded, and 1
	// where nothing is.
	Partitions int

	// Replicas of what is made: 3 in production, so that a NATS server may die.
	// What exists keeps its own. Default 1.
	Replicas int

	// DuplicateWindow is for how long the log knows a message id again. Longer
	// costs the broker 230 bytes for each id in it. Default
	// DefaultDuplicateWindow.
	DuplicateWindow time.Duration

	// Lifetime is how long a message waits. The inbox keeps it for an hour more,
	// so that its sender can be told. Default DefaultLifetime.
	Lifetime time.Duration

	// InboxLimit is how many messages may wait for one identity. The stream itself
	// refuses only twice as many, and counts each address by itself: the limit is for
	// whoever can still tell the sender. Default DefaultInboxLimit.
	InboxLimit int

	// LogBytes and InboxBytes bound the log and the inbox of one partition, on the disk
	// of each server that has it; what comes beyond is refused. LogBytes bounds the stream
	// of what groups were sent as well. JetStream sets a bound aside from what it may use
	// in all. Default none.
	LogBytes, InboxBytes int64

	// Events is whether there are streams of events and of dead letters.
	Events bool
	// EventsAge is how long an event is kept for endpoints that do not take it. Default
	// DefaultEventsAge.
	EventsAge time.Duration
	// EventsBytes bounds the events of one partition, on the disk of each server that has
	// it; the oldest go first. Default DefaultEventsBytes.
	EventsBytes int64
	// EventsEach is how many events of one identity wait at most: of who does something all
	// the time the oldest go, and not those of others. Default DefaultEventsEach.
	EventsEach int

	// Rooms is whether there are streams of what is published to rooms that keep it.
	Rooms bool
	// RoomMessages is how many messages of a room are kept, where this process makes the
	// stream. Default DefaultRoomMessages.
	RoomMessages int
	// RoomAge is for how long, likewise. Default DefaultRoomAge.
	RoomAge time.Duration
	// RoomBytes bounds those of the rooms of one partition, on the disk of each server that
	// has it; the oldest go first. Default none.
	RoomBytes int64

	// Logger gets what becomes of the streams. Default none.
	Logger logrus.FieldLogger
	// Metrics is where the package's metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer
}

// maxPartitions keeps a mistyped number from making streams without end.
const maxPartitions = 1024

// withDefaults returns what counts, or says what cannot be.
func (c Config) withDefaults() (Config, error) {
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.DuplicateWindow == 0 {
		c.DuplicateWindow = DefaultDuplicateWindow
	}
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.InboxLimit == 0 {
		c.InboxLimit = DefaultInboxLimit
	}
	if c.EventsAge == 0 {
		c.EventsAge = DefaultEventsAge
	}
	if c.RoomMessages == 0 {
		c.RoomMessages = DefaultRoomMessages
	}
	if c.RoomAge == 0 {
		c.RoomAge = DefaultRoomAge
	}
	if c.EventsEach == 0 {
		c.EventsEach = DefaultEventsEach
	}
	if c.EventsBytes == 0 {
		c.EventsBytes = DefaultEventsBytes
	}
	if c.Logger == nil {
		quiet := logrus.New()
		quiet.SetOutput(io.Discard)
		c.Logger = quiet
	}
	switch {
	case c.NATS == nil:
		return c, errors.New("no NATS")
	case c.Partitions < 0 || c.Partitions > maxPartitions:
		return c, fmt.Errorf("%d is no number of partitions: 1 to %d", c.Partitions, maxPartitions)
	case c.Replicas < 1 || c.Replicas > 5:
		return c, errors.New("a stream has 1 to 5 replicas")
	case c.DuplicateWindow < 100*time.Millisecond:
		return c, errors.New("a duplicate window has at least 100ms") // JetStream's least
	case c.Lifetime < time.Second:
		return c, errors.New("a message lives for at least a second")
	case c.InboxLimit < 1:
		return c, errors.New("an inbox has room for one message or more")
	case c.EventsAge < eventWindow:
		return c, fmt.Errorf("an event is kept for at least %s", eventWindow)
	case c.RoomMessages < 1:
		return c, errors.New("a room keeps one message or more")
	case c.RoomAge < c.DuplicateWindow:
		return c, fmt.Errorf("a room keeps its messages for %v or longer, the duplicate window", c.DuplicateWindow)
	case c.RoomBytes < 0:
		return c, errors.New("rooms have no fewer than 0 bytes")
	case c.EventsEach < 1:
		return c, errors.New("one event of an identity waits, or more")
	case c.EventsBytes < 1<<20:
		return c, errors.New("the events of a partition have at least a mebibyte")
	case c.LogBytes < 0 || c.InboxBytes < 0:
		return c, errors.New("a log or an inbox has no fewer than 0 bytes")
	}
	return c, nil
}
