package stream

import (
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

// Transfer is a message of the log on its way to the inbox.
type Transfer struct {
	Message Message       // as the log has it
	TTL     time.Duration // how long the inbox keeps it; 0: as long as any
}

// copyWindowSize is how many copies are under way at once.
const copyWindowSize = 256

// Copy copies messages of the log of partition p to its inbox, in their order, and
// returns an error for each, nil for one that is there now or was before. ErrFull is
// for that message alone. Any other that matches ErrUnavailable passes: nothing was
// begun after it, and those that were not tried have the same error. It borrows list.
//
// Of one address a message is sent only when the one before is known to be stored, or
// refused for good: were both under way and the leader changed, the later one alone
// could be stored, and whoever reads the inbox would get it first. A second copy
// within 10 minutes is known by its position and stored once.
func (s *Streams) Copy(ctx context.Context, p int, list []Transfer) []error {
	c := &copying{
		streams: s, partition: p, list: list,
		errs:  make([]error, len(list)),
		queue: make(map[string][]int, len(list)),
		call:  s.replies.begin(2 * copyWindowSize),
	}
	defer c.call.end()
	for i, t := range list {
		subject := t.Message.Subject
		c.queue[subject] = append(c.queue[subject], i)
		c.errs[i] = errNotTried
		if len(c.queue[subject]) == 1 {
			c.ready = append(c.ready, i)
		}
	}
	c.run(ctx)
	for i, err := range c.errs {
		if err != nil {
			c.errs[i] = fmt.Errorf("copy message %d of %s: %w", list[i].Message.Sequence, logStream(p), err)
		}
		if err != nil || !c.duplicate(i) {
			s.metrics.copies.WithLabelValues(string(resultOf(err))).Inc()
		}
	}
	return c.errs
}

var errNotTried = fmt.Errorf("%w: not tried", ErrUnavailable)

// copying is one call of Copy.
type copying struct {
	streams   *Streams
	partition int
	list      []Transfer
	call      call

	errs       []error
	queue      map[string][]int // of each subject: those not done, the first of them ready or under way
	ready      []int            // may be sent
	underWay   map[int]struct{}
	duplicates map[int]struct{}
	stop       error // the first passing error
}

func (c *copying) duplicate(i int) bool { _, is := c.duplicates[i]; return is }

func (c *copying) run(ctx context.Context) {
	c.underWay, c.duplicates = map[int]struct{}{}, map[int]struct{}{}
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for {
		for len(c.ready) > 0 && len(c.underWay) < copyWindowSize && c.stop == nil {
			c.send(c.ready[0])
			c.ready = c.ready[1:]
		}
		if len(c.underWay) == 0 {
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

func (c *copying) send(i int) {
	t := c.list[i]
	m := &nats.Msg{
		Subject: inboxPrefix(c.partition) + strings.TrimPrefix(t.Message.Subject, logPrefix(c.partition)),
		Reply:   c.call.reply + "." + strconv.Itoa(i),
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
	m.Header.Set(jetstream.MsgIDHeader, strconv.Itoa(c.partition)+":"+position)
	if t.TTL > 0 {
		m.Header.Set(jetstream.MsgTTLHeader, max(t.TTL, time.Second).Truncate(time.Second).String())
	}
	if err := c.streams.nc.PublishMsg(m); err != nil {
		c.done(i, unavailable(err))
		return
	}
	c.underWay[i] = struct{}{}
}

// acknowledged takes an answer of the broker; one that comes twice is nothing new.
func (c *copying) acknowledged(m *nats.Msg) {
	i, err := strconv.Atoi(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
	if err != nil {
		return
	}
	if _, is := c.underWay[i]; !is {
		return
	}
	delete(c.underWay, i)
	var ack publishAck
	switch {
	case m.Header.Get(headerStatus) == statusNobody:
		c.done(i, fmt.Errorf("%w: no leader", ErrUnavailable))
	case json.Unmarshal(m.Data, &ack) != nil:
		c.done(i, errors.New("an acknowledgement that cannot be read"))
	case ack.Error != nil:
		c.done(i, refusal(ack.Error))
	default:
		if ack.Duplicate {
			c.duplicates[i] = struct{}{}
			c.streams.metrics.copies.WithLabelValues(string(resultDuplicate)).Inc()
		}
		c.done(i, nil)
	}
}

// done makes the next message of the same subject ready.
func (c *copying) done(i int, err error) {
	c.errs[i] = err
	if errors.Is(err, ErrUnavailable) {
		if c.stop == nil {
			c.stop = err
		}
		return
	}
	subject := c.list[i].Message.Subject
	c.queue[subject] = c.queue[subject][1:]
	if rest := c.queue[subject]; len(rest) > 0 {
		c.ready = append(c.ready, rest[0])
	}
}

// abandon ends those that are under way: nobody knows what becomes of them.
func (c *copying) abandon(err error) {
	for i := range c.underWay {
		c.errs[i] = err
	}
}

// refusal tells what JetStream means by refusing a message. It has one code for all
// that a store may say, so that only the text tells a limit.
func refusal(err *jetstream.APIError) error {
	const (
		storeFailed = 10077
		noResources = 10002 // of the account; those of the server have a code of 503
	)
	switch {
	case err.ErrorCode == storeFailed &&
		(strings.Contains(err.Description, "maximum messages per subject exceeded") || strings.Contains(err.Description, "maximum bytes exceeded")):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case err.Code >= 500 || err.ErrorCode == noResources:
		return unavailable(err)
	}
	return err
}
