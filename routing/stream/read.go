package stream

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// PositionHeader carries, in the inbox, the position that a message had in the log.
const PositionHeader = "Limegrove-Position"

// OriginHeader names the edge on which the sender of a message was in session.
const OriginHeader = "Limegrove-Origin"

// LifetimeHeader is set where a message is stored for somebody who may never come
// again, and says for how long it waits in the inbox, in whole seconds: those of
// GuestLifetime.
const LifetimeHeader = "Limegrove-Lifetime"

// NewsLifetimeHeader is set where the sender of a message may never come again, to as
// much for the news that it has waited in vain.
const NewsLifetimeHeader = "Limegrove-News-Lifetime"

// GatewayHeader is set where a gateway has sent a message for somebody of a domain that is
// not served: the key of the gateway's identity, where the news of the message go.
const GatewayHeader = "Limegrove-Gateway"

// EchoHeader is set on a message for a group whose sender's identity is to have a copy, too.
const EchoHeader = "Limegrove-Echo"

// GuestLifetime is how long a message waits for a guest, and a receipt for a node: as
// long as a dead connection of it may go unnoticed, and it is known that it was there
// after that.
const GuestLifetime = 5 * time.Minute

// Message is a stored message. It belongs to whoever got it.
type Message struct {
	Subject  string      // log.<p>.… or inbox.<p>.…
	Sequence uint64      // in the stream that it was read from
	Position uint64      // in the log; 0 for one in the inbox that says none
	Stored   time.Time   // in the stream that it was read from, by its leader's clock
	Header   nats.Header // as it was published, and JetStream's own
	Data     []byte      // one envelope; empty in a mark
}

// Page is a part of what a subject has, in the order of the stream. Nothing is left
// out between its first sequence and Through.
type Page struct {
	Messages []Message // their sequences rise

	// Through is up to where in the stream the page is all that the subject had.
	// With messages it is the last one's sequence; without, it is the last
	// sequence that the answering replica had of the whole stream, which may be
	// lower than what another has (see LogEnd).
	Through uint64

	// More tells that the replica had more of the subject, and Pending how much.
	More    bool
	Pending int
}

// maxPage bounds what one call makes room for.
const maxPage = 1000

// ReadLog returns the first messages of a subject whose sequence in the log of
// partition p is from or higher: at most so many (and never more than 1,000), and no
// further ones when they have so many bytes together. The next page begins at
// Through+1.
//
// An answer that was cut off is an error, never a short page; it matches
// ErrUnavailable and passes.
func (s *Streams) ReadLog(ctx context.Context, p int, subject string, from uint64, messages, bytes int) (Page, error) {
	return s.read(ctx, logOf(p), subject, from, messages, bytes)
}

// ReadInbox is ReadLog for the inbox.
func (s *Streams) ReadInbox(ctx context.Context, p int, subject string, from uint64, messages, bytes int) (Page, error) {
	return s.read(ctx, inboxOf(p), subject, from, messages, bytes)
}

// ReadGroup is ReadLog for the group messages of partition p.
func (s *Streams) ReadGroup(ctx context.Context, p int, subject string, from uint64, messages, bytes int) (Page, error) {
	return s.read(ctx, groupOf(p), subject, from, messages, bytes)
}

func (s *Streams) read(ctx context.Context, of side, subject string, from uint64, messages, bytes int) (page Page, err error) {
	defer func(start time.Time) { s.metrics.read(of.what()+"_page", start, err) }(time.Now())
	messages = min(max(messages, 1), maxPage)
	for try := 0; ; try++ {
		page, ok, err := s.readOnce(ctx, of, subject, from, messages, bytes)
		if err != nil {
			return Page{}, fmt.Errorf("read %s from %d: %w", subject, from, err)
		}
		if ok {
			return page, nil
		}
		s.metrics.behind.Inc()
		if err := wait(ctx, try); err != nil {
			return Page{}, fmt.Errorf("read %s from %d: %w", subject, from, unavailable(err))
		}
	}
}

// readOnce is not ok when two replicas contradict each other, or a mark had to be
// made.
func (s *Streams) readOnce(ctx context.Context, of side, subject string, from uint64, messages, bytes int) (page Page, ok bool, err error) {
	a, err := s.direct(ctx, of, getRequest{Seq: from, NextFor: subject, Batch: messages, MaxBytes: bytes}, messages)
	if err != nil {
		return Page{}, false, err
	}
	if n := len(a.messages); n > 0 {
		for i := range a.messages {
			a.messages[i].place(of)
		}
		return Page{Messages: a.messages, Through: a.messages[n-1].Sequence, More: a.pending > 0, Pending: a.pending}, true, nil
	}
	// Which replica says that there is nothing, and how much does it know of?
	a, err = s.direct(ctx, of, getRequest{Seq: from, MultiLast: []string{subject, of.mark()}}, 2)
	switch {
	case err != nil:
		return Page{}, false, err
	case !a.found:
		return Page{}, false, s.setMark(ctx, of)
	}
	for _, m := range a.messages {
		if m.Subject == subject {
			return Page{}, false, nil
		}
	}
	return Page{Through: a.upTo}, a.pending == 0, nil
}

// place sets the position of a message that was read from one of the two.
func (m *Message) place(of side) {
	m.Position = m.Sequence
	if of.inbox {
		// One that says none has position 0.
		m.Position, _ = strconv.ParseUint(m.Header.Get(PositionHeader), 10, 64)
	}
}

// GetLogRun returns messages of the log of partition p from a sequence on, whatever
// their subjects: at most so many, as far as one replica has them at once, and no
// further ones when they have so many bytes together. What it lacks may be there:
// GetLog tells.
func (s *Streams) GetLogRun(ctx context.Context, p int, from uint64, messages, bytes int) (run []Message, err error) {
	defer func(start time.Time) { s.metrics.read("log_run", start, err) }(time.Now())
	of := logOf(p)
	messages = min(max(messages, 1), maxPage)
	a, err := s.direct(ctx, of, getRequest{Seq: from, Batch: messages, MaxBytes: bytes}, messages)
	if err != nil {
		return nil, fmt.Errorf("get messages of %s from %d: %w", of.stream, from, err)
	}
	for i := range a.messages {
		a.messages[i].place(of)
	}
	return a.messages, nil
}

// WalkInbox returns messages of the inbox of partition p in order, whatever their
// subjects, from a sequence on, or when that is 0, from what was stored at a time on: at
// most so many (and never more than 1,000), and no further ones when they have so many
// bytes together. The next page begins at Through+1; when there is nothing, as far as one
// replica knows, Through is 0.
//
// It shows nothing that is not there, and where the inbox has holes it steps over them. What
// a replica lacks is at its end, and comes with a later page.
func (s *Streams) WalkInbox(ctx context.Context, p int, from uint64, since time.Time, messages, bytes int) (page Page, err error) {
	return s.walkPage(ctx, inboxOf(p), from, since, messages, bytes)
}

// WalkGroup is WalkInbox from a sequence on, for the group messages of partition p.
func (s *Streams) WalkGroup(ctx context.Context, p int, from uint64, messages, bytes int) (page Page, err error) {
	return s.walkPage(ctx, groupOf(p), max(from, 1), time.Time{}, messages, bytes)
}

func (s *Streams) walkPage(ctx context.Context, of side, from uint64, since time.Time, messages, bytes int) (page Page, err error) {
	defer func(start time.Time) { s.metrics.read(of.what()+"_walk", start, err) }(time.Now())
	messages = min(max(messages, 1), maxPage)
	req := getRequest{Seq: from, Batch: messages, MaxBytes: bytes}
	if from == 0 {
		req.StartTime = &since
	}
	a, err := s.direct(ctx, of, req, messages)
	if err != nil {
		return Page{}, fmt.Errorf("walk %s from %d: %w", of.stream, from, err)
	}
	page.More = a.pending > 0
	for _, m := range a.messages {
		page.Through = m.Sequence
		if m.Subject != of.mark() {
			m.place(of)
			page.Messages = append(page.Messages, m)
		}
	}
	return page, nil
}

// GetLog returns one message of the log of partition p, from a replica that has it.
// It matches ErrNotFound only when the leader has none.
func (s *Streams) GetLog(ctx context.Context, p int, seq uint64) (m Message, err error) {
	defer func(start time.Time) { s.metrics.read("log_message", start, err) }(time.Now())
	of := logOf(p)
	// A batch of one, since a request without a batch has no end: it would be
	// answered by the next message, were it not there.
	a, err := s.direct(ctx, of, getRequest{Seq: seq, Batch: 1}, 1)
	if err != nil {
		return Message{}, fmt.Errorf("get message %d of %s: %w", seq, of.stream, err)
	}
	if len(a.messages) == 1 && a.messages[0].Sequence == seq {
		m = a.messages[0]
	} else if m, err = s.leaderGet(ctx, of, getRequest{Seq: seq}); err != nil {
		return Message{}, fmt.Errorf("get message %d of %s: %w", seq, of.stream, err)
	}
	m.place(of)
	return m, nil
}
