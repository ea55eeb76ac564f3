package routing

import (
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/presence"
	"limegrove/routing/subject"
)

// hub is an edge's record of one identity that has sessions there.
type hub struct {
	// Set when it is made and not changed.
	key   subject.Key
	shard *shard

	// Guarded by shard.
	users    int                     // members, and sessions about to be; the hub ends with the last
	ready    chan struct{}           // closed when the subscription was made or refused; nil after that
	sub      *nats.Subscription      // nil until it was made
	inForce  bool                    // the broker has it
	err      error                   // why it was refused
	members  []*Member               // active ones
	arriving []*Member               // attached, or about to be, and not active yet
	remote   []presence.Registration // of other edges
	working  map[string]working      // what sessions of other edges are at work on, by token

	delegations delegations // what was given to the identity
	policy      hubPolicy   // who may send to it

	arranged    bool    // arrangement is that of members and remote
	arrangement []route // see routes

	version int64  // of the view that remote is of
	changes uint32 // counts changes of remote, so that a slow read shows
	reading bool   // the registrar has it on its list
	lost    int    // envelopes that the client library dropped, as counted so far
}

// find returns the active member at an instance, or nil.
func (h *hub) find(token string) *Member { return findMember(h.members, token) }

func findMember(all []*Member, token string) *Member {
	for _, m := range all {
		if m.token == token {
			return m
		}
	}
	return nil
}

// stranded returns the member here, if any, whose node another edge's session holds
// by now: it was replaced, and may not have heard of it.
func (h *hub) stranded(r *presence.Registration) *Member {
	m := h.find(subject.Token(r.Node.Instance))
	if m == nil || m.registered == 0 || m.session == r.Session {
		return nil
	}
	return m
}

// holder returns who is to hold an instance here: the active member, or else the one
// that arrived last, or nil.
func (h *hub) holder(token string) *Member {
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if m := h.find(token); m != nil {
		return m
	}
	for _, m := range slices.Backward(h.arriving) {
		if m.token == token {
			return m
		}
	}
	return nil
}

// all returns the members, those included that arrive.
func (h *hub) all() []*Member { return slices.Concat(h.members, h.arriving) }

// others counts the sessions of the identity, here and elsewhere, but for those at
// an instance.
func (h *hub) others(token string) int {
	n := 0
	for _, m := range h.members {
		if m.token != token {
			n++
		}
	}
	for _, m := range h.arriving {
		if m.token != token {
			n++
		}
	}
	for i := range h.remote {
		if subject.Token(h.remote[i].Node.Instance) != token {
			n++
		}
	}
	return n
}

// remove takes m out of the members.
func (h *hub) remove(m *Member) {
	h.members = without(h.members, m)
	h.arriving = without(h.arriving, m)
	h.disarrange()
}

func without(all []*Member, m *Member) []*Member {
	if i := slices.Index(all, m); i >= 0 {
		all = slices.Delete(all, i, i+1)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// shard is a part of an edge's hubs: the channel that their subscriptions share
// and the goroutine that reads it. One identity is always in the same shard, which
// keeps its envelopes in order.
type shard struct {
	messages chan *nats.Msg

	mu      sync.Mutex
	hubs    map[subject.Key]*hub
	key     []byte                // of whose delegations are looked for
	overdue map[*Member]time.Time // who sends receipts, and since when something waits for one

	// Owned by the dispatcher.
	turn turn
}
