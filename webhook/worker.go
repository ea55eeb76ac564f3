package webhook

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/routing/events"
)

// worker brings the events of one partition to one endpoint. It is owned by one goroutine,
// but for its last two.
type worker struct {
	*tenure
	endpoint *endpoint

	place  events.Place
	kept   time.Time // when the place was kept last
	unkept bool      // it has changed since

	wake   chan struct{} // holds one
	oldest atomic.Int64  // when the first event was stored that the endpoint does not have, in ns since 1970; 0: it has all
}

const (
	// readMost is how many events are read at once, or a batch if that is more, and readBytes
	// how many bytes. A batch is a part of that; an endpoint that is away has as much in memory, for each
	// partition.
	readMost  = 256
	readBytes = 512 << 10

	// keepEvery is how often a place is kept that has moved without a request.
	keepEvery = time.Second

	// retryPause is how long a worker waits when JetStream has failed it.
	retryPause = 250 * time.Millisecond
)

// run works until begin is done; what is under way may end until working is.
func (w *worker) run(begin, working context.Context) {
	w.endpoint.add(w)
	defer w.endpoint.remove(w)
	for w.begin(begin) {
		for {
			more, err := w.step(begin, working)
			if err != nil || begin.Err() != nil {
				if err != nil && begin.Err() == nil {
					w.complain(err, "events of an endpoint have to wait")
					pause(begin, retryPause)
				}
				break // the place is read again
			}
			if !more {
				w.rest(begin)
			}
		}
	}
	if w.unkept && working.Err() == nil {
		_ = w.keep(working) // else some are looked at twice
	}
}

// begin reads the place. It is false when ctx is done.
func (w *worker) begin(ctx context.Context) bool {
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
		place, err := w.cfg.Places.Place(limited, w.p, w.endpoint.Name)
		cancel()
		if err == nil {
			w.place, w.unkept = place, false
			return true
		}
		if ctx.Err() == nil {
			w.complain(err, "the place of an endpoint cannot be read; trying on")
		}
		pause(ctx, retryPause)
	}
	return false
}

// rest waits until there may be more.
func (w *worker) rest(ctx context.Context) {
	t := time.NewTimer(w.cfg.Every)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-t.C:
	}
}

// step reads some events and posts those that the endpoint wants. more tells that there may
// be more at once.
func (w *worker) step(begin, working context.Context) (more bool, err error) {
	w.moveToStream()
	limited, cancel := context.WithTimeout(begin, w.cfg.Timeout)
	page, err := w.cfg.Events.Read(limited, w.p, w.place.Next, max(readMost, w.endpoint.Batch), readBytes)
	cancel()
	if err != nil {
		return false, err
	}
	if len(page.Events) == 0 {
		w.oldest.Store(0)
		return false, w.keepLazily(working)
	}
	w.noteLost(page.Events)
	w.oldest.Store(page.Events[0].Stored.UnixNano())
	var batch []events.Stored
	for i := range page.Events {
		if e := &page.Events[i]; w.endpoint.wants(e) {
			batch = append(batch, *e)
		}
		if last := i == len(page.Events)-1; len(batch) == w.endpoint.Batch || last && len(batch) > 0 {
			if err := w.deliver(begin, working, batch); err != nil {
				return false, err
			}
			w.move(page.Events[i].Sequence + 1)
			if err := w.keep(working); err != nil {
				return false, err
			}
			batch = nil
		}
		if begin.Err() != nil {
			return false, nil
		}
	}
	w.move(page.Through + 1)
	if !page.More {
		w.oldest.Store(0)
	}
	return true, w.keepLazily(working)
}

func (w *worker) move(next uint64) {
	if next > w.place.Next {
		w.place.Next, w.unkept = next, true
	}
}

// moveToStream begins anew where the place is one in another stream than there is now. The sequences of
// one that is made anew need not be above those of the one before it: a clock may be wrong, and an
// operator may have made it.
func (w *worker) moveToStream() {
	name := w.cfg.Events.EventsName(w.p)
	if w.place.Stream != "" && w.place.Stream != name {
		w.cfg.Logger.WithField("endpoint", w.endpoint.Name).Warn("the stream of events is another; what was in it before is lost")
		w.place.Next = 0
	}
	w.place.Stream = name
}

// noteLost counts the events that have gone and that the endpoint should have had: those between its
// place and the first one that there is, and between others.
func (w *worker) noteLost(all []events.Stored) {
	next, lost := w.place.Next, uint64(0)
	for i := range all {
		if at := all[i].Sequence; next > 0 && at > next {
			lost += at - next
		}
		next = all[i].Sequence + 1
	}
	if lost > 0 {
		w.endpoint.lost.Add(float64(lost))
		w.endpoint.warn.Tell(logrus.WarnLevel, "events were too old or too many to wait, and are lost to an endpoint", nil, logrus.Fields{"events": lost})
	}
}

// keepLazily keeps a place that has moved a while ago.
func (w *worker) keepLazily(ctx context.Context) error {
	if !w.unkept || time.Since(w.kept) < keepEvery {
		return nil
	}
	return w.keep(ctx)
}

// keep keeps the place. It tries until ctx is done, for what was posted is not to be posted
// again; only when the place is another's it gives up.
func (w *worker) keep(ctx context.Context) error {
	for {
		limited, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
		place, err := w.cfg.Places.Keep(limited, w.p, w.endpoint.Name, w.place)
		cancel()
		switch {
		case err == nil:
			w.place, w.kept, w.unkept = place, time.Now(), false
			return nil
		case errors.Is(err, events.ErrPlaceLost) || ctx.Err() != nil:
			return err
		}
		w.complain(err, "the place of an endpoint cannot be kept; trying on")
		pause(ctx, retryPause)
	}
}
