package routing

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/sirupsen/logrus"
)

// brokerError takes what goes wrong behind the client library's back. That a
// shard's channel was full, so that envelopes were dropped, it tells once
// until there is room again.
func (h *Hubs) brokerError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if why, is := refusedSubscription(err); is {
		h.subscriptionRefused(why, err)
		return
	}
	if !errors.Is(err, nats.ErrSlowConsumer) || sub == nil {
		h.complaints.Warn("NATS reports an error", err)
		return
	}
	for _, s := range h.shards {
		if s.interest != nil && s.interest.Of(sub) {
			h.doubtAlone()
			select {
			case h.overload <- struct{}{}:
			default:
			}
			return
		}
	}
	// Control messages, which are not counted one by one.
	h.complaints.Tell(logrus.WarnLevel, "this edge does not keep up with NATS", nil, logrus.Fields{"subject": sub.Subject})
}

// lossesPause is the least time between two looks at what was dropped, and how long one waits
// for more: the library tells nothing until there is room again.
const lossesPause = time.Second

// watchLosses has made good what was dropped, until ctx is done.
func (h *Hubs) watchLosses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.overload:
		}
		for h.lookForLosses(time.Now()) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(lossesPause):
			}
		}
	}
}

// lookForLosses tells whether anything was dropped since it was called last, or may be without a word, since a shard
// has no room. It may have been for any hub of a shard: the library does not tell for which. So their views and what their
// identities were given are read again, ever more seldom while it goes on, and members look whether they have missed a message.
func (h *Hubs) lookForLosses(now time.Time) (more bool) {
	lost := false
	for _, s := range h.shards {
		if len(s.messages) == cap(s.messages) { // asked before it is counted: what is dropped once there was room is told
			more = true
		}
		s.mu.Lock()
		h.countLost(s)
		if s.missed != s.lost {
			s.missed, lost = s.lost, true
			s.reread.owed = true
		}
		if s.reread.due(now) {
			for b := range s.hubs.all() {
				h.registrar.reread(b)
				if h.cfg.Delegations != nil && b.learning.has(givenAsked) || h.cfg.Grants != nil && b.learning.has(grantsAsked) {
					h.doubtLocked(b)
				}
			}
		}
		more = more || s.reread.owed
		s.mu.Unlock()
	}
	if lost && h.cfg.Streams != nil {
		select {
		case h.suspects <- struct{}{}:
		default: // they are suspected already
		}
	}
	return more || lost
}

// countLost counts what the client library has dropped for a shard since it was
// last asked, with the shard locked.
func (h *Hubs) countLost(s *shard) {
	if lost := s.interest.Dropped(); lost > s.lost {
		h.metrics.dropped[dropOverload].Add(float64(lost - s.lost))
		s.lost = lost
	}
}

// doubtLocked has what a hub's identity was given read again, since a word of it may be among
// what was dropped. The shard is locked. What is dropped after that is seen by who uses a delegation.
func (h *Hubs) doubtLocked(b *hub) {
	b.doubt()
	h.unread.add(b, b.identity())
}
