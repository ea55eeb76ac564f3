package routing

import (
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/presence"
	"limegrove/routing/interest"
	"limegrove/routing/subject"
)

// hub is an edge's record of one identity that has sessions there.
type hub struct {
	// Set when it is made and not changed.
	key   subject.Key // a part of the text of the member that came first
	shard *shard

	// Guarded by shard.
	members  roll  // active ones
	arriving roll  // attached, or about to be, and not active yet
	wide     *wide // what there is beyond the members; nil for nothing
	version  int64 // of the view that remote is of

	interest interest.ID // the subscription, of the shard's
	users    int32       // members, and sessions about to be; the hub ends with the last
	changes  uint32      // counts changes of remote, so that a slow read shows
	news     uint16      // likewise what was told of what the identity was given, or doubted
	rulings  uint16      // likewise that others may send to it than before, which nobody else can have told

	partition uint16 // of the identity; 0 where nothing is stored. Not changed

	learning learning
	inForce  bool // the broker has the subscription
	heard    bool // it has been seen to, since the connection was made
	arranged bool // the arrangement is that of members and of other edges' sessions
	reading  bool // the registrar has it on its list
	partial  bool // the view leaves out edges that may be cut off from Redis alone
}

// find returns the active member at an instance, or nil.
func (h *hub) find(token string) *Member { return h.members.find(token) }

// stranded are the members here, those included that arrive, whose node another edge's
// session holds by now: they were replaced, and may not have heard of it.
func (h *hub) stranded(r *presence.Registration) iter.Seq[*Member] {
	return func(yield func(*Member) bool) {
		token := subject.Token(r.Node.Instance)
		for _, l := range [...]roll{h.members, h.arriving} {
			for m := range l.all() {
				if m.token() == token && m.registered != 0 && m.who.Tag() != r.Session && !yield(m) {
					return
				}
			}
		}
	}
}

// holder returns who is to hold an instance here: the active member, or else the one
// that arrived last, or nil.
func (h *hub) holder(token string) *Member {
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if m := h.find(token); m != nil {
		return m
	}
	var last *Member
	for m := range h.arriving.all() {
		if m.token() == token {
			last = m
		}
	}
	return last
}

// others counts the sessions of the identity, here and elsewhere, but for those at
// an instance.
func (h *hub) others(token string) int {
	n := 0
	for m := range h.members.all() {
		if m.token() != token {
			n++
		}
	}
	for m := range h.arriving.all() {
		if m.token() != token {
			n++
		}
	}
	for i := range h.remote() {
		if subject.Token(h.remote()[i].Node.Instance) != token {
			n++
		}
	}
	return n
}

// remove takes m out of the members.
func (h *hub) remove(m *Member) {
	h.members.remove(m)
	h.arriving.remove(m)
	h.disarrange()
}

// shard is a part of an edge's hubs: the subscription and the channel that they share
// and the goroutine that reads it. One identity is always in the same shard, which
// keeps its envelopes in order.
type shard struct {
	edge     *Hubs // that it is a part of
	messages chan *nats.Msg
	interest *interest.Channel

	mu      sync.Mutex
	hubs    hubTable
	ended   ended
	unheard map[*hub]struct{}     // which are tried, and have not heard themselves
	key     []byte                // of whose delegations are looked for
	overdue map[*Member]time.Time // who sends receipts, and since when something waits for one
	lost    int                   // envelopes that the client library dropped, as counted so far
	missed  int                   // the same, as what depends on them was seen to
	reread  rereading             // of their views, and of what their identities were given

	// Owned by the dispatcher.
	turn turn

	// For anybody.
	unacknowledged atomic.Int64 // entries of windows
}
