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
	Subject  string
	Sequence uint64 // which is its position
	Stored   time.Time
	Header   nats.Header
}

// Walk is a part of a log, in its order.
type Walk struct {
	Entries []Entry

	// Through is the sequence up to which the walk has seen everything: there is
	// no message from where it began up to there but those in Entries. It is lower
	// than where it began when nothing was seen.
	Through uint64

	// More tells that it ended for max alone.
	More bool
}

// One request of a walk.
const (
	walkBatch = 1000
	walkBytes = 4 << 20
)

// WalkLog reads the log of partition p in order, from a sequence on (0: from its first
// message), until max entries, a message that was not stored before a time, or the end.
//
// Replicas answer, and one may be behind: then the walk ends earlier. It never passes
// anything over. A replica has the log in order, so what it lacks is at its end; and
// since nothing but the log's head is ever removed, the walk expects each sequence to
// follow the one before, and where one does not, it passes on only if the leader
// lacks the same.
func (s *Streams) WalkLog(ctx context.Context, p int, from uint64, before time.Time, max int) (w Walk, err error) {
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
	w.Through = from - 1
	for {
		n := min(max-len(w.Entries), walkBatch)
		a, err := s.direct(ctx, of.stream, getRequest{Seq: w.Through + 1, Batch: n, MaxBytes: walkBytes}, n)
		if err != nil {
			return Walk{}, fmt.Errorf("walk %s from %d: %w", of.stream, w.Through+1, err)
		}
		for _, m := range a.messages {
			if !m.Stored.Before(before) {
				return w, nil
			}
			if m.Sequence != w.Through+1 {
				if err := s.confirmGap(ctx, of, w.Through+1, m.Sequence); err != nil {
					return Walk{}, fmt.Errorf("walk %s: %w", of.stream, err)
				}
			}
			w.Through = m.Sequence
			if m.Subject != of.mark() {
				w.Entries = append(w.Entries, Entry{Subject: m.Subject, Sequence: m.Sequence, Stored: m.Stored, Header: m.Header})
			}
		}
		switch {
		case a.pending == 0 || len(a.messages) == 0:
			return w, nil
		case len(w.Entries) >= max:
			w.More = true
			return w, nil
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
		return fmt.Errorf("%w: a replica lacks messages from %d", ErrUnavailable, from)
	}
	return fmt.Errorf("gap from %d: %w", from, err)
}
