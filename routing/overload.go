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
	if b.sub == nil {
		return
	}
	if lost, err := b.sub.Dropped(); err == nil && lost > b.lost {
		h.metrics.dropped[dropOverload].Add(float64(lost - b.lost))
		b.lost = lost
	}
}
