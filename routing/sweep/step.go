package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// step purges what was looked at by the end of the step before, and looks at the next
// lot.
func (w *walk) step(ctx context.Context) (more bool, err error) {
	if err := w.purge(ctx, time.Now()); err != nil {
		return false, err
	}
	if err := w.waits(time.Now()); err != nil {
		return false, err
	}
	began := w.next
	passed, err := w.cfg.Streams.WalkLog(ctx, w.p, w.next, time.Now().Add(-w.cfg.Delay), w.cfg.Lot)
	if err != nil {
		return false, fmt.Errorf("walk: %w", err)
	}
	w.copied = w.next
	entries := passed.Entries
	if len(entries) == 0 {
		if w.next = max(w.next, passed.Through+1); w.next != began {
			w.log.WithFields(logrus.Fields{"from": began, "through": passed.Through}).Debug("the sweep finds nothing")
		}
		return false, nil
	}
	waiting, err := w.unacknowledged(ctx, entries)
	if err != nil {
		return false, fmt.Errorf("floors: %w", err)
	}
	w.log.WithFields(logrus.Fields{
		"from": w.next, "through": passed.Through, "messages": len(entries), "unacknowledged": sequences(waiting),
	}).Debug("the sweep comes by")
	// What was dealt with is behind us even when the rest has to wait.
	reached, err := w.move(ctx, waiting)
	if err != nil {
		w.next = max(w.next, reached)
		return false, err
	}
	w.next = passed.Through + 1
	w.mark(ctx)
	w.metrics.looked.Add(float64(len(entries)))
	w.metrics.age.Set(time.Since(entries[len(entries)-1].Stored).Seconds())
	return passed.More, nil
}

// purge removes what was looked at by the end of the step before.
func (w *walk) purge(ctx context.Context, now time.Time) error {
	upTo := w.copied
	if upTo == 0 || upTo-1 <= w.purged || upTo-1-w.purged < uint64(w.cfg.Lot) && now.Sub(w.purgedAt) < min(purgeEvery, 2*w.cfg.Delay) {
		return nil
	}
	if err := w.cfg.Streams.PurgeLog(ctx, w.p, upTo-1); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	w.purged, w.purgedAt = upTo-1, now
	w.log.WithField("through", w.purged).Debug("the log is purged")
	return nil
}

// unacknowledged returns the entries above the floors of their addresses.
func (w *walk) unacknowledged(ctx context.Context, entries []stream.Entry) (waiting []stream.Entry, err error) {
	type address struct {
		key   subject.Key
		token string
	}
	index := map[subject.Key]int{}
	var ids []lime.Identity
	at := make([]address, len(entries))
	for i := range entries {
		key, token, ok := subject.SplitStored(entries[i].Subject)
		if !ok {
			return nil, fmt.Errorf("the log holds %q, which is no address", entries[i].Subject)
		}
		at[i] = address{key, token}
		if _, seen := index[key]; !seen {
			id, err := key.Identity()
			if err != nil {
				return nil, err
			}
			index[key] = len(ids)
			ids = append(ids, id)
		}
	}
	all, err := w.cfg.Registry.Floors(ctx, append(ids, w.marker()))
	if err != nil {
		return nil, err
	}
	if len(all) != len(ids)+1 {
		return nil, fmt.Errorf("floors of %d identities for %d", len(all), len(ids)+1)
	}
	if err := w.trusts(all[len(ids)], time.Now()); err != nil {
		return nil, err
	}
	floors := map[address]uint64{}
	log := w.cfg.Streams.LogName(w.p)
	for key, i := range index {
		for _, f := range all[i] {
			if f.Log == log {
				floors[address{key, tokenOf(f)}] = f.Position
			}
		}
	}
	for i := range entries {
		if entries[i].Sequence > floors[at[i]] {
			waiting = append(waiting, entries[i])
		}
	}
	return waiting, nil
}

func tokenOf(f presence.Floor) string {
	if f.Instance == "" {
		return subject.Identity
	}
	return subject.Token(f.Instance)
}

// moveLot bounds how many messages are held to be copied, and moveBytes their size.
const (
	moveLot   = 1024
	moveBytes = 8 << 20
)

// move copies entries to the inbox. reached is the first sequence that is not dealt
// with when there is an error.
func (w *walk) move(ctx context.Context, entries []stream.Entry) (reached uint64, err error) {
	for len(entries) > 0 {
		lot, n, err := w.load(ctx, entries)
		if err != nil {
			return entries[0].Sequence, err // nothing of it was copied
		}
		for i, err := range w.cfg.Streams.Copy(ctx, w.p, lot) {
			switch {
			case err == nil:
				w.metrics.moved.Inc()
			case errors.Is(err, stream.ErrFull):
				w.giveBack(lot[i].Message, full)
			default: // those behind it may be there already, and are known as duplicates
				return lot[i].Message.Sequence, err
			}
		}
		entries = entries[n:]
	}
	return 0, nil
}

// load reads as many of the entries as are copied together, and gives back what has
// expired. n is how many those are; with an error nothing is to be copied.
func (w *walk) load(ctx context.Context, entries []stream.Entry) (lot []stream.Transfer, n int, err error) {
	size := 0
	var run []stream.Message // what follows in the log
	for ; n < len(entries) && n < moveLot && size < moveBytes; n++ {
		at := entries[n].Sequence
		for len(run) > 0 && run[0].Sequence < at {
			run = run[1:]
		}
		if together := runOf(entries[n:]); len(run) == 0 && together >= runLeast {
			if run, err = w.cfg.Streams.GetLogRun(ctx, w.p, at, min(together, runMost), moveBytes); err != nil {
				return nil, 0, err
			}
		}
		var m stream.Message
		if len(run) > 0 && run[0].Sequence == at {
			m, run = run[0], run[1:]
		} else {
			m, err = w.cfg.Streams.GetLog(ctx, w.p, at)
		}
		if errors.Is(err, stream.ErrNotFound) {
			err = w.purgedBy(ctx, entries[n].Sequence)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return nil, 0, err
		}
		size += len(m.Data)
		if time.Since(m.Stored) > w.cfg.Lifetime {
			w.giveBack(m, expired)
			continue
		}
		lot = append(lot, stream.Transfer{Message: m, TTL: lifetimeOf(m)})
	}
	return lot, n, nil
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

// lifetimeOf returns how long the inbox keeps a message; 0 for as long as any.
func lifetimeOf(m stream.Message) time.Duration {
	seconds, err := strconv.Atoi(m.Header.Get(stream.LifetimeHeader))
	if err != nil || seconds <= 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// sequences is where entries are, made into text only when that is logged.
type sequences []stream.Entry

// MarshalText is for a log in JSON, String for one in text.
func (s sequences) MarshalText() ([]byte, error) {
	var b []byte
	for i := range s {
		b = append(strconv.AppendUint(b, s[i].Sequence, 10), ' ')
	}
	return bytes.TrimSpace(b), nil
}

func (s sequences) String() string {
	b, _ := s.MarshalText() // it never fails
	return string(b)
}
