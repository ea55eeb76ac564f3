package stream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Transfer is a message of the log on its way to the inbox.
type Transfer struct {
	Message Message       // as the log has it
	TTL     time.Duration // how long the inbox keeps it; 0: as long as any
}

// Copy copies messages of the log of partition p to its inbox, in their order, and
// returns an error for each, nil for one that is there now or was before. ErrFull and
// ErrRefused are for that message alone. Any other matches ErrUnavailable and passes:
// nothing was begun after it, and those that were not tried have such an error, too. It
// borrows list.
//
// Of one address a message is sent only when the one before is known to be stored, or
// refused for good: were both under way and the leader changed, the later one alone
// could be stored, and whoever reads the inbox would get it first. For the same reason
// what is behind one that found no room finds none. A second copy within 10 minutes is
// known by its position and stored once.
func (s *Streams) Copy(ctx context.Context, p int, list []Transfer) []error {
	c := s.beginStoring(len(list), func(i int) *nats.Msg { return list[i].message(p) })
	c.inOrder(len(list), func(i int) string { return list[i].Message.Subject })
	c.run(ctx)
	for i, err := range c.errs {
		result := resultOf(err)
		if err != nil {
			c.errs[i] = fmt.Errorf("copy message %d of %s: %w", list[i].Message.Sequence, logStream(p), err)
		} else if _, is := c.duplicates[i]; is {
			result = resultDuplicate
		}
		s.metrics.copies.WithLabelValues(string(result)).Inc()
	}
	return c.errs
}

// message is the copy for the inbox of partition p.
func (t *Transfer) message(p int) *nats.Msg {
	m := &nats.Msg{
		Subject: inboxPrefix(p) + strings.TrimPrefix(t.Message.Subject, logPrefix(p)),
		Header:  nats.Header{},
		Data:    t.Message.Data,
	}
	for name, values := range t.Message.Header {
		if !strings.HasPrefix(name, "Nats-") { // JetStream's own, of the log
			m.Header[name] = values
		}
	}
	position := strconv.FormatUint(t.Message.Position, 10)
	m.Header.Set(PositionHeader, position)
	m.Header.Set(jetstream.MsgIDHeader, strconv.Itoa(p)+":"+position)
	if t.TTL > 0 {
		m.Header.Set(jetstream.MsgTTLHeader, max(t.TTL, time.Second).Truncate(time.Second).String())
	}
	return m
}
