package sweep

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// step purges what was looked at by the end of the step before, once the log need not
// know it any more, and looks at the next lot.
func (w *walk) step(ctx context.Context) (more bool, err error) {
	w.follow(w.cfg.Streams.LogName(w.p))
	if err := w.purge(ctx, time.Now()); err != nil {
		return false, err
	}
	if err := w.waits(time.Now()); err != nil {
		return false, err
	}
	began, before := w.next, time.Now().Add(-w.cfg.Delay)
	passed, err := w.cfg.Streams.WalkLog(ctx, w.p, w.next, before, w.cfg.Lot)
	if err != nil {
		return false, fmt.Errorf("walk: %w", err)
	}
	w.past.add(milestone{w.next, w.stored}, w.cfg.Keep)
	entries := passed.Entries
	if len(entries) == 0 {
		if w.next = max(w.next, passed.Through+1); w.next != began {
			w.log.WithFields(logrus.Fields{"first": began, "through": passed.Through}).Debug("the sweep finds nothing")
		}
		w.reached, w.stored = before, before
		return false, nil
	}
	w.stored = entries[len(entries)-1].Stored
	if w.reached.IsZero() {
		w.reached = entries[0].Stored
	}
	waiting, err := w.unacknowledged(ctx, entries)
	if err != nil {
		return false, fmt.Errorf("floors: %w", err)
	}
	w.log.WithFields(logrus.Fields{
		"first": w.next, "through": passed.Through, "messages": len(entries), "unacknowledged": sequences(waiting),
	}).Debug("the sweep comes by")
	// What was dealt with is behind us even when the rest has to wait.
	reached, err := w.move(ctx, waiting)
	if err != nil || reached > 0 {
		w.next = max(w.next, reached)
		rest := slices.IndexFunc(entries, func(e stream.Entry) bool { return e.Sequence >= reached })
		w.reached = entries[rest].Stored
		w.metrics.looked.Add(float64(rest))
		return err == nil, err
	}
	w.next, w.reached = passed.Through+1, before
	if passed.More {
		w.reached = entries[len(entries)-1].Stored
	}
	w.mark(ctx)
	w.metrics.looked.Add(float64(len(entries)))
	return passed.More, nil
}

// purge removes what was looked at by the end of the step before and is old enough:
// JetStream makes up again from what is stored which ids it knows, when a server starts.
func (w *walk) purge(ctx context.Context, now time.Time) error {
	w.copied = max(w.copied, w.past.until(now.Add(-w.cfg.Keep)))
	upTo := w.copied
	if upTo == 0 || upTo-1 <= w.purged || upTo-1-w.purged < uint64(w.cfg.PurgeLot) && now.Sub(w.purgedAt) < min(purgeEvery, 2*w.cfg.Delay) {
		return nil
	}
	if err := w.cfg.Streams.PurgeLog(ctx, w.p, upTo-1); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	w.purged, w.purgedAt = upTo-1, now
	w.log.WithField("through", w.purged).Debug("the log is purged")
	return nil
}

// address is what a floor is for.
type address struct {
	key   subject.Key
	token string
}

// unacknowledged returns the entries above the floors of their addresses. For what has
// no address there is no floor.
func (w *walk) unacknowledged(ctx context.Context, entries []stream.Entry) (waiting []stream.Entry, err error) {
	index := map[subject.Key]int{}
	var ids []lime.Identity
	at := make([]address, len(entries))
	for i := range entries {
		key, token, ok := subject.SplitStored(entries[i].Subject)
		if !ok {
			continue
		}
		if _, seen := index[key]; !seen {
			id, err := key.Identity()
			if err != nil {
				continue
			}
			index[key] = len(ids)
			ids = append(ids, id)
		}
		at[i] = address{key, token}
	}
	all, err := w.cfg.Registry.Floors(ctx, append(ids, subject.Swept(w.p)))
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

// String is them as an error has them.
func (s sequences) String() string {
	b, _ := s.MarshalText() // it never fails
	return string(b)
}
