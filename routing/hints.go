package routing

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// hintFor is how long a connection may take what it does not bring before it is seen to be broken: three of
	// Connect's pings, and what they take on a busy machine.
	hintFor = 40 * time.Second

	// maxHints is how many hints one generation keeps. More of them cost memory; with fewer, all identities of
	// the edge are told of where some would do.
	maxHints = 1 << 14

	// hintsAtOnce is how many are published again before the next ones wait for hintsPause, so that those who
	// hear them keep up.
	hintsAtOnce = 1024
	hintsPause  = 20 * time.Millisecond
)

// hint has another edge look at what Redis has. It may come late, and twice.
type hint struct{ subject, data string }

// hints are those that others may not have got: they were published while the broker was away, or shortly before that was
// seen, and it is for their sender to say so, since an edge whose own connection is whole has no reason to look. When the
// connection is back they are published again.
//
// There are two generations. When the young one is as old as hintFor it becomes the old one, and what was the old one is
// forgotten; but nothing is while the connection is broken, or was and its hints were not published again.
type hints struct {
	most int // of a generation
	// connection tells how often it was made anew, and whether it is there.
	connection func() (made uint64, is bool)

	mu         sync.Mutex
	young, old generation
	made       uint64 // when all were published again last
}

// generation is what was published since some time.
type generation struct {
	since time.Time
	all   map[hint]struct{}
	more  bool // than there was room for
}

func newHints(nc *nats.Conn) *hints {
	return &hints{most: maxHints, connection: func() (uint64, bool) { return nc.Stats().Reconnects, nc.IsConnected() }}
}

// begin notes that from now on it is seen when the connection breaks.
func (l *hints) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made, _ = l.connection()
}

// add keeps a hint, before it is published.
func (l *hints) add(t hint, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.young.since) >= hintFor && l.wholeLocked() {
		l.old, l.young = l.young, generation{since: now}
	}
	g := &l.young
	if _, is := g.all[t]; is {
		return
	}
	if len(g.all) >= l.most {
		g.more = true
		return
	}
	if g.all == nil {
		g.all = map[hint]struct{}{}
	}
	g.all[t] = struct{}{}
}

// wholeLocked tells whether the connection has not broken since the hints were published again last.
func (l *hints) wholeLocked() bool {
	made, is := l.connection()
	return is && made == l.made
}

// again returns those that are to be published again, since the connection is back, and whether there were more. They are kept as
// long as if they were new, lest the connection breaks at once.
func (l *hints) again(now time.Time) (all []hint, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made, _ = l.connection()
	g := generation{since: now, all: l.young.all, more: l.young.more || l.old.more}
	if g.all == nil {
		g.all = map[hint]struct{}{}
	}
	maps.Copy(g.all, l.old.all)
	l.old, l.young = generation{}, g
	return slices.Collect(maps.Keys(g.all)), g.more
}

// publishHint publishes data, and keeps again to be published in its place if others may not have got it.
func (h *Hubs) publishHint(subject string, data []byte, again string) {
	h.hints.add(hint{subject, again}, time.Now())
	if err := h.cfg.NATS.Publish(subject, data); err != nil {
		h.metrics.drop(dropBroker)
	}
}

// publishHintsAgain publishes what others may not have got. When that is more than was kept, they read the views of all
// identities that have sessions here: on which of them they have any is among what this edge may have missed. Of
// those that have none left here they are not told then.
func (h *Hubs) publishHintsAgain(ctx context.Context) {
	all, more := h.hints.again(time.Now())
	if more {
		h.log.WithField("changes", len(all)).Warn("more changes of sessions may not have been heard than are remembered; other edges read the views of all that are here")
		all = append(all, h.doubtOfAll()...)
	}
	for i, t := range all {
		if i%hintsAtOnce == hintsAtOnce-1 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(hintsPause):
			}
		}
		if h.cfg.NATS.Publish(t.subject, []byte(t.data)) != nil {
			return // it has broken anew, and is back another time
		}
	}
	if len(all) > 0 {
		h.log.WithField("changes", len(all)).Info("other edges were told again of changes that they may have missed")
	}
}

// doubtOfAll are hints to read the views of all identities that have sessions here.
func (h *Hubs) doubtOfAll() (all []hint) {
	for _, s := range h.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			all = append(all, hint{b.key.View(), doubtEvent})
		}
		s.mu.Unlock()
	}
	return all
}
