package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// storingWindow is how many messages of one call are under way at once.
const storingWindow = 256

// Store stores messages in the logs that their subjects name, many at once and in no
// order, and returns an error for each, nil for one that is stored now or was before by
// its message id. One that matches ErrUnavailable passes: the message may be stored or
// not. Those that were not tried behind it have such an error, too. It takes list.
func (s *Streams) Store(ctx context.Context, list []*nats.Msg) []error {
	c := s.beginStoring(len(list), func(i int) *nats.Msg { return list[i] })
	for i := range list {
		c.ready = append(c.ready, i)
	}
	return c.storeAll(ctx, list)
}

// StoreInOrder is Store that keeps the order of each subject, as Copy does: a message is sent
// only when the one before is known to be stored, or refused for good. So those that are not
// stored may be stored later, in their order, and none comes behind a later one.
func (s *Streams) StoreInOrder(ctx context.Context, list []*nats.Msg) []error {
	c := s.beginStoring(len(list), func(i int) *nats.Msg { return list[i] })
	c.inOrder(len(list), func(i int) string { return list[i].Subject })
	return c.storeAll(ctx, list)
}

func (c *storing) storeAll(ctx context.Context, list []*nats.Msg) []error {
	c.run(ctx)
	for i, err := range c.errs {
		if err != nil {
			c.errs[i] = fmt.Errorf("store a message under %s: %w", list[i].Subject, err)
		}
	}
	return c.errs
}

// Publish gives a message to whoever is there for it, and stores it nowhere. It borrows m.
func (s *Streams) Publish(m *nats.Msg) error {
	if err := s.nc.PublishMsg(m); err != nil {
		return unavailable(err)
	}
	return nil
}

var errNotTried = fmt.Errorf("%w: not tried", ErrUnavailable)

// storing is messages on their way into streams, until JetStream has answered each.
type storing struct {
	streams *Streams
	message func(i int) *nats.Msg // makes the one to be sent, or sent again
	call    call

	errs       []error
	ready      []int       // may be sent
	then       map[int]int // which may be sent when one is done
	sent       []bool      // that are under way
	underWay   int         // how many
	duplicates map[int]struct{}
	stop       error // the first passing error
}

// beginStoring is followed by run, which ends it.
func (s *Streams) beginStoring(n int, message func(i int) *nats.Msg) *storing {
	c := &storing{
		streams: s, message: message, call: s.replies.begin(2 * storingWindow),
		errs: make([]error, n), then: map[int]int{}, sent: make([]bool, n), duplicates: map[int]struct{}{},
	}
	for i := range c.errs {
		c.errs[i] = errNotTried
	}
	return c
}

// inOrder has each message wait for the one before of its subject.
func (c *storing) inOrder(n int, subject func(i int) string) {
	last := make(map[string]int, n) // of each subject
	for i := range n {
		of := subject(i)
		if before, ok := last[of]; ok {
			c.then[before] = i
		} else {
			c.ready = append(c.ready, i)
		}
		last[of] = i
	}
}

func (c *storing) run(ctx context.Context) {
	defer c.call.end()
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for {
		for len(c.ready) > 0 && c.underWay < storingWindow && c.stop == nil {
			c.send(c.ready[0])
			c.ready = c.ready[1:]
		}
		if c.underWay == 0 {
			return
		}
		select {
		case m := <-c.call.answers:
			quiet.Reset(silence)
			c.acknowledged(m)
		case <-quiet.C:
			c.abandon(fmt.Errorf("%w: no acknowledgement", ErrUnavailable))
			return
		case <-ctx.Done():
			c.abandon(unavailable(context.Cause(ctx)))
			return
		}
	}
}

func (c *storing) send(i int) {
	m := c.message(i)
	m.Reply = c.call.reply + "." + strconv.Itoa(i)
	switch err := c.streams.nc.PublishMsg(m); {
	case err == nil:
		c.sent[i] = true
		c.underWay++
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject):
		c.done(i, fmt.Errorf("%w: %w", ErrRefused, err))
	default:
		c.done(i, unavailable(err))
	}
}

// acknowledged takes an answer of the broker; one that comes twice is nothing new.
func (c *storing) acknowledged(m *nats.Msg) {
	i, err := strconv.Atoi(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
	if err != nil || i < 0 || i >= len(c.sent) || !c.sent[i] {
		return
	}
	c.sent[i] = false
	c.underWay--
	var ack publishAck
	switch {
	case isStored(m.Data):
		c.done(i, nil)
	case m.Header.Get(headerStatus) == statusNobody:
		c.streams.suspectSubject(c.message(i).Subject)
		c.done(i, fmt.Errorf("%w: no leader", ErrUnavailable))
	case json.Unmarshal(m.Data, &ack) != nil:
		c.done(i, fmt.Errorf("%w: an acknowledgement that cannot be read", ErrUnavailable))
	case ack.Error != nil:
		c.done(i, refusal(ack.Error))
	default:
		if ack.Duplicate {
			c.duplicates[i] = struct{}{}
		}
		c.done(i, nil)
	}
}

// isStored tells whether a plain acknowledgement says that a message is stored, and was not
// before. Nearly all are such, and most of what an answer costs is to decode it.
func isStored(ack []byte) bool {
	return bytes.HasPrefix(ack, []byte(`{"stream":"`)) && bytes.Contains(ack, []byte(`"seq":`)) &&
		!bytes.Contains(ack, []byte(`"error"`)) && !bytes.Contains(ack, []byte(`"duplicate"`))
}

// done makes the message behind it ready, unless it found no room: then there is none
// for those behind it either, should there be some by now.
func (c *storing) done(i int, err error) {
	c.errs[i] = err
	next, ok := c.then[i]
	switch {
	case errors.Is(err, ErrUnavailable):
		if c.stop == nil {
			c.stop = err
		}
	case ok && errors.Is(err, ErrFull):
		c.done(next, err)
	case ok:
		c.ready = append(c.ready, next)
	}
}

// abandon ends those that are under way: nobody knows what becomes of them.
func (c *storing) abandon(err error) {
	for i, sent := range c.sent {
		if sent {
			c.errs[i] = err
		}
	}
}

// refusal tells what JetStream means by refusing a message: that there is no room for
// it, that it will never take this one, or that something is wrong with the stream.
// It has one code for all that a store may say, so that only the text tells a limit.
func refusal(err *jetstream.APIError) error {
	const (
		messageTooLong = 10054
		storeFailed    = 10077
		headerTooLong  = 10097
		invalidTTL     = 10165
	)
	switch err.ErrorCode {
	case messageTooLong, headerTooLong, invalidTTL:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case storeFailed:
		if strings.Contains(err.Description, "maximum messages per subject exceeded") || strings.Contains(err.Description, "maximum bytes exceeded") {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	return unavailable(err)
}
