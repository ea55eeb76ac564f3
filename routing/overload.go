package routing

import (
	"errors"

	"github.com/nats-io/nats.go"

	"limegrove/routing/subject"
)

// brokerError takes what goes wrong behind the client library's back. That a
// shard's channel was full, so that envelopes for a hub were dropped, it tells once
// until there is room again.
func (h *Hubs) brokerError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if !errors.Is(err, nats.ErrSlowConsumer) || sub == nil {
		h.log.WithError(err).Warn("NATS")
		return
	}
	key, _, ok := subject.SplitTo(sub.Subject)
	if !ok { // control messages, which are not counted one by one
		h.log.WithField("subject", sub.Subject).Warn("this edge does not keep up with NATS")
		return
	}
	s := h.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.hubs[key]; b != nil {
		h.countLost(b)
		h.suspect(b)
		if h.cfg.Delegations != nil && b.delegations.asked {
			h.doubtLocked(b)
		}
	}
}

// suspect has the members of a hub's partition look whether they have missed anything,
// soon: until there is room again, more is lost and nobody tells. The shard is locked.
func (h *Hubs) suspect(b *hub) {
	if h.cfg.Streams == nil {
		return
	}
	select {
	case h.suspects <- b.key.Partition(h.cfg.Streams.Partitions()):
	default: // so many are suspected already
	}
}

// countLost counts what the client library has dropped for a hub since it was
// last asked, with the shard locked.
func (h *Hubs) countLost(b *hub) {
	if lost := b.dropped(); lost > b.lost {
		h.metrics.dropped[dropOverload].Add(float64(lost - b.lost))
		b.lost = lost
	}
}

// dropped is how much the client library has dropped for a hub, with the shard locked.
func (h *hub) dropped() int {
	if h.sub == nil {
		return 0
	}
	lost, err := h.sub.Dropped()
	if err != nil { // it has ended
		return h.lost
	}
	return lost
}

// doubtLocked has what a hub's identity was given read again, since a word of it may be among
// what was dropped. The library tells the first that it drops; what it drops after that is
// seen by who uses a delegation. The shard is locked.
func (h *Hubs) doubtLocked(b *hub) {
	b.delegations.doubt()
	h.unread.add(b, b.identity())
}
