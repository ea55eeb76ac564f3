package routing

import (
	"sync"

	"github.com/nats-io/nats.go"

	"limegrove/presence"
)

// hub is an edge's record of one identity that has sessions there.
type hub struct {
	// Set when it is made and not changed.
	key   identityKey
	shard *shard

	// Guarded by shard.
	users   int                     // members, and sessions about to be; the hub ends with the last
	ready   chan struct{}           // closed when the subscription was made or refused; nil after that
	sub     *nats.Subscription      // nil until it was made
	err     error                   // why it was refused
	members []*Member               // active ones
	remote  []presence.Registration // of other edges
	version int64                   // of the view that remote is of
	changes uint32                  // counts changes of remote, so that a slow read shows
	reading bool                    // the registrar has it on its list
	lost    int                     // envelopes that the client library dropped, as counted so far
}

// find returns the active member at an instance, or nil.
func (h *hub) find(token string) *Member {
	for _, m := range h.members {
		if m.token == token {
			return m
		}
	}
	return nil
}

// remove takes m out of the active members, if it is one.
func (h *hub) remove(m *Member) {
	for i, o := range h.members {
		if o == m {
			last := len(h.members) - 1
			copy(h.members[i:], h.members[i+1:])
			h.members[last] = nil
			h.members = h.members[:last]
			return
		}
	}
}

// shard is a part of an edge's hubs: the channel that their subscriptions share
// and the goroutine that reads it. One identity is always in the same shard, which
// keeps its envelopes in order.
type shard struct {
	messages chan *nats.Msg

	mu   sync.Mutex
	hubs map[identityKey]*hub

	// Owned by the dispatcher.
	turn turn
}
