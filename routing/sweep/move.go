package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// moveLot bounds how many messages are held to be copied, and moveBytes their size.
const (
	moveLot   = 1024
	moveBytes = 8 << 20
)

// lot is messages that are dealt with together.
type lot struct {
	entries int               // how many entries of the log that are
	copies  []stream.Transfer // for the inbox
	back    []returned        // for their senders
}

// move copies entries to the inbox, and gives back what cannot be. reached is the first
// sequence that is not dealt with, when there is an error or it has taken half of the time
// that a turn has; else 0.
func (w *walk) move(ctx context.Context, entries []stream.Entry) (reached uint64, err error) {
	for began := time.Now(); len(entries) > 0; {
		if time.Since(began) > w.cfg.Timeout/2 {
			return entries[0].Sequence, nil
		}
		l, err := w.load(ctx, entries)
		if err != nil {
			return entries[0].Sequence, err // nothing of it was copied
		}
		reached, err := w.copyLot(ctx, &l)
		told := w.tellAbsent(ctx, &l, reached)
		if told == nil {
			told = w.giveBack(ctx, l.back)
		}
		if told == nil {
			told = w.forget(ctx, l.back)
		}
		if told != nil {
			w.back = slices.Concat(l.back, w.after(entries[l.entries-1].Sequence))
			return entries[0].Sequence, told // the copies are known as duplicates
		}
		w.back = w.after(entries[l.entries-1].Sequence)
		if err != nil {
			return reached, err
		}
		entries = entries[l.entries:]
	}
	return 0, nil
}

// forget deletes what was given back from the log, which is kept for a while yet: who begins
// meanwhile must not read what its sender was told has failed.
func (w *walk) forget(ctx context.Context, back []returned) error {
	messages := make([]stream.Message, len(back))
	for i, r := range back {
		messages[i] = r.message
	}
	return w.deleteAll(ctx, messages, w.cfg.Streams.DeleteLog)
}

// after is what could not be given back the last time and lies behind a sequence.
func (w *walk) after(sequence uint64) []returned {
	return slices.DeleteFunc(w.back, func(r returned) bool { return r.message.Sequence <= sequence })
}

// copyLot copies what is to be copied, and notes what the inbox does not take. What lies
// behind an error may be there already, and is known as a duplicate the next time.
func (w *walk) copyLot(ctx context.Context, l *lot) (reached uint64, err error) {
	var refusal error
	for i, err := range w.cfg.Streams.Copy(ctx, w.p, l.copies) {
		m := l.copies[i].Message
		switch {
		case err == nil:
			w.metrics.moved.Inc()
		case errors.Is(err, stream.ErrFull):
			l.back = append(l.back, returned{m, full})
		case errors.Is(err, stream.ErrRefused):
			refusal = err
			l.back = append(l.back, returned{m, refused})
		default:
			return m.Sequence, err
		}
	}
	if refusal != nil {
		w.warn.Warn("messages that the inbox refuses are given back", refusal)
	}
	return 0, nil
}

// load reads as many of the entries as are dealt with together, or as can be read in a
// quarter of the time that a turn has: where each takes its time, there are less. With an
// error nothing is to be done.
func (w *walk) load(ctx context.Context, entries []stream.Entry) (l lot, err error) {
	size, began := 0, time.Now()
	var run []stream.Message // what follows in the log
	for ; l.entries < len(entries) && l.entries < moveLot && size < moveBytes; l.entries++ {
		if l.entries > 0 && time.Since(began) > w.cfg.Timeout/4 {
			break
		}
		rest := entries[l.entries:]
		at := rest[0].Sequence
		for len(run) > 0 && run[0].Sequence < at {
			run = run[1:]
		}
		if together := runOf(rest); len(run) == 0 && together >= runLeast {
			if run, err = w.cfg.Streams.GetLogRun(ctx, w.p, at, min(together, runMost), moveBytes); err != nil {
				return lot{}, err
			}
		}
		var m stream.Message
		if len(run) > 0 && run[0].Sequence == at {
			m, run = run[0], run[1:]
		} else {
			m, err = w.cfg.Streams.GetLog(ctx, w.p, at)
		}
		if errors.Is(err, stream.ErrNotFound) {
			err = w.purgedBy(ctx, at)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return lot{}, err
		}
		size += len(m.Data)
		w.sort(&l, m)
	}
	return l, nil
}

// sort decides whether a message waits on. What was to be given back the last time is,
// though there may be room by now: some senders were told.
func (w *walk) sort(l *lot, m stream.Message) {
	before := slices.IndexFunc(w.back, func(r returned) bool { return r.message.Sequence == m.Sequence })
	switch {
	case before >= 0:
		l.back = append(l.back, returned{m, w.back[before].why})
	case !isAddress(m.Subject):
		l.back = append(l.back, returned{m, refused})
	case time.Since(m.Stored) > w.cfg.Lifetime:
		l.back = append(l.back, returned{m, expired})
	default:
		l.copies = append(l.copies, stream.Transfer{Message: m, TTL: w.ttlOf(m)})
	}
}

// isAddress is false for what somebody else than an edge or a router has stored.
func isAddress(stored string) bool {
	key, _, ok := subject.SplitStored(stored)
	if ok {
		_, err := key.Identity()
		ok = err == nil
	}
	return ok
}

// Messages that follow each other in the log are read together when they are so many.
const (
	runLeast = 4
	runMost  = 500
)

// runOf is how many entries follow each other without a gap, from the first on.
func runOf(entries []stream.Entry) int {
	n := 1
	for n < len(entries) && n < runMost && entries[n].Sequence == entries[n-1].Sequence+1 {
		n++
	}
	return n
}

// purgedBy returns nil when a message is not in the log because another sweeper has
// purged it, having copied it before. A leader that has just been elected may not have
// it either, for a moment.
func (w *walk) purgedBy(ctx context.Context, sequence uint64) error {
	begin, err := w.cfg.Streams.LogBegin(ctx, w.p)
	if err == nil && sequence >= begin {
		err = fmt.Errorf("message %d: %w", sequence, stream.ErrUnavailable)
	}
	return err
}
