package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Entry is a message of the log without its payload.
type Entry struct {
	Subject  string      // log.<p>.…
	Sequence uint64      // which is its position
	Stored   time.Time   // by the clock of the log's leader then
	Header   nats.Header // as it was published, and Nats-Msg-Size
}

// Walk is a part of a log, in its order.
type Walk struct {
	Entries []Entry // without marks

	// Through is the sequence up to which the walk has seen everything: there is
	// no message from where it began up to there but those in Entries. It is lower
	// than where it began when nothing was seen.
	Through uint64

	// More tells that it ended for their number alone.
	More bool
}

// WalkLog reads the log of partition p in order, from a sequence on (0: from its first
// message), until so many entries, a message that was not stored before a time, or the end.
// It is cheapest where it goes on at Through+1 of the walk before, with nobody between
// the two who walks the same partition by the same Streams.
//
// What it reads comes from any replica by direct gets, or from the leader of a consumer,
// which has a replica of its own and need not be the log's leader. That replica may be behind: then the walk ends
// earlier. Or what it sent may be lost on the way. Still the walk never passes anything
// over: nothing but the log's head is ever removed, so it expects each sequence to
// follow the one before, and where one does not it goes on only if the log's leader
// lacks the same messages. What is not shown to be there is never passed.
func (s *Streams) WalkLog(ctx context.Context, p int, from uint64, before time.Time, most int) (w Walk, err error) {
	defer func(start time.Time) { s.metrics.read("log_walk", start, err) }(time.Now())
	of := logOf(p)
	if from == 0 {
		info, err := s.info(ctx, of, nil)
		if err != nil {
			return Walk{}, fmt.Errorf("walk %s: %w", of.stream, err)
		}
		if from = info.State.FirstSeq; from == 0 {
			from = 1 // there never was a message
		}
	}
	c := s.takeCursor(p, from)
	w, err = s.walk(ctx, of, c, before, most)
	if err != nil {
		return Walk{}, fmt.Errorf("walk %s from %d: %w", of.stream, from, err)
	}
	s.keepCursor(ctx, p, c)
	return w, nil
}

// walk leaves in the cursor what comes next. After an error it is of no use.
func (s *Streams) walk(ctx context.Context, of side, c *cursor, before time.Time, most int) (w Walk, err error) {
	w.Through = c.next - 1
	for {
		if len(w.Entries) >= most {
			w.More = true
			return w, nil
		}
		e, ok, err := s.peek(ctx, of, c, most-len(w.Entries))
		switch {
		case err != nil:
			return Walk{}, unavailable(err)
		case !ok:
			return w, s.confirmEnd(ctx, of, c)
		case !e.Stored.Before(before):
			return w, nil
		case e.Sequence != c.next:
			if err := s.confirmGap(ctx, of, c.next, e.Sequence); err != nil {
				return Walk{}, err
			}
		}
		c.pass()
		w.Through = e.Sequence
		if e.Subject != of.mark() {
			w.Entries = append(w.Entries, e)
		}
	}
}

// confirmGap asks the leader whether it, too, has nothing from a sequence on up to
// another.
func (s *Streams) confirmGap(ctx context.Context, of side, from, to uint64) error {
	m, err := s.leaderNext(ctx, of, from)
	if err == nil && m.Sequence >= to {
		return nil
	}
	if err == nil || errors.Is(err, ErrNotFound) {
		s.metrics.behind.Inc()
		return fmt.Errorf("%w: messages from %d on are missing", ErrUnavailable, from)
	}
	return fmt.Errorf("gap from %d: %w", from, err)
}

// confirmEnd gives up a consumer that sends nothing where the leader has something:
// its server may be cut off.
func (s *Streams) confirmEnd(ctx context.Context, of side, c *cursor) error {
	end, err := s.end(ctx, of)
	if err == nil && end >= c.next && c.consumer != nil {
		s.metrics.behind.Inc()
		c.consumer = nil
	}
	return err
}
