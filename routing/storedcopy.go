package routing

import (
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/delivery"
	"limegrove/routing/stream"
)

// storedCopy is what the headers of a stream's copy of a message tell.
type storedCopy struct {
	delivery.Message
	stored string // when the log took it, as JetStream writes that
}

// parseStored reads the headers that JetStream adds to what it republishes. ok is
// false for what comes from no stream; an error says that it does, and cannot be read.
func parseStored(h nats.Header) (c storedCopy, ok bool, err error) {
	name := first(h, nats.JSStream)
	if name == "" {
		return c, false, nil
	}
	c.Origin = first(h, stream.OriginHeader)
	sequence, err := strconv.ParseUint(first(h, nats.JSSequence), 10, 64)
	if err != nil {
		return c, true, err
	}
	if strings.HasPrefix(name, "INBOX_") {
		c.Inbox = sequence
		c.Position, err = strconv.ParseUint(first(h, stream.PositionHeader), 10, 64)
		return c, true, err
	}
	c.Position, c.stored = sequence, first(h, nats.JSTimeStamp)
	c.Previous, err = strconv.ParseUint(first(h, nats.JSLastSequence), 10, 64)
	return c, true, err
}

// first returns a header whose spelling is known: it is not folded on the way.
func first(h nats.Header, key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// delivered times a message that was handed out as it came.
func (t *turn) delivered(stored string) {
	if at, err := time.Parse(time.RFC3339Nano, stored); err == nil {
		t.hubs.metrics.took(stageDeliver, time.Since(at))
	}
}
