package routing

import (
	"math"
	"slices"
	"strings"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// route is one session of a hub's view, here or on another edge, as the rules see it.
type route struct {
	member   *Member // nil on another edge
	edge     presence.EdgeID
	address  string // the node, as it was announced
	token    string
	presence *lime.Presence // nil when it never said
	takes    *lime.Taken    // by its capability
	guest    bool
	since    uint64 // from which position on it competes for stored messages; 0: it does not yet
}

// parcel is what the rules look at in an envelope.
type parcel struct {
	header   *lime.Header    // for its type; nil when that does not matter
	token    string          // of its address: subject.Identity, or an instance's
	server   bool            // the server has sent it
	sender   []byte          // the address of the session that has
	origin   presence.EdgeID // of the edge where that is; "" when it is not known
	turn     uint64          // another one for each envelope, and the same on all edges
	position uint64          // of a stored one; 0 for others
}

// choose appends to dst those of all the sessions of an identity that an envelope is
// for. It is a function of the view and the envelope: edges with the same view choose
// the same sessions, and nobody has to ask.
//
// The session whose node is addressed gets the envelope, whatever its flags. Of the
// others that the address reaches, the rules leave some out, one rule after the other;
// each leaves at least one in:
//
//   - capability: unless the session takes the type of the envelope, or none does;
//   - identityByPriority: unless the session has the highest priority of all that the
//     address reaches; those with the same get it all;
//   - filterByDistance: of the sessions with the flag only the nearest to the sender,
//     and all that are as near;
//   - roundRobin: of the sessions with the flag one.
//
// LIME names no order of these and no rule for ties: it is ours.
//
// What a session sends to its identity is not for itself without echo, and it does not
// compete for it. What the server sends is for all.
//
// For a stored message compete, if there are any, those that were there when it was
// stored: a session that comes does not take what another has already. Of those that
// came later the first takes part in roundRobin.
func choose(dst []*route, all []route, p *parcel, distance func(edge, origin presence.EdgeID) int) []*route {
	own := len(dst)
	for i := range all {
		if r := &all[i]; r.matches(p) {
			dst = append(dst, r)
		}
	}
	chosen := dst[own:]
	if !p.server && len(chosen) > 1 {
		chosen = dropUntaking(chosen, p)
		if p.position != 0 {
			chosen = dropLate(chosen, p)
		}
		chosen = dropLesser(chosen, p)
		chosen = dropFar(chosen, p, distance)
		chosen = dropTurns(chosen, p)
	}
	return dst[:own+len(chosen)]
}

// matches tells whether the address of an envelope reaches r.
func (r *route) matches(p *parcel) bool {
	switch {
	case p.token == r.token:
		return reachedAtNode(r.presence, p.server)
	case !echoes(r.presence) && string(p.sender) == r.address:
		return false
	case p.token == subject.Identity:
		return reachedAtIdentity(r.presence, r.guest, p.server)
	}
	return reachedAtOthers(r.presence)
}

// wants tells whether r takes the type of an envelope.
func (r *route) wants(p *parcel) bool { return p.header == nil || r.takes.Takes(p.header) }

// dropUntaking leaves out those that do not take an envelope, if there are others: it is not
// for them to have their turn with it.
func dropUntaking(all []*route, p *parcel) []*route {
	if !slices.ContainsFunc(all, func(r *route) bool { return r.wants(p) }) {
		return all
	}
	return keep(all, func(r *route) bool { return r.token == p.token || r.wants(p) })
}

// inTime tells whether r was there when a message was stored.
func (r *route) inTime(p *parcel) bool { return r.since != 0 && r.since <= p.position }

// dropLate leaves out those that compete and came after a message was stored, if there
// are others of the kind.
func dropLate(all []*route, p *parcel) []*route {
	inTime := false
	for _, r := range all {
		inTime = inTime || competes(r.presence) && r.inTime(p)
	}
	return keep(all, func(r *route) bool { return !inTime || r.token == p.token || !competes(r.presence) || r.inTime(p) })
}

// dropLesser leaves out who wants the identity's envelopes only with the highest
// priority, and has not.
func dropLesser(all []*route, p *parcel) []*route {
	highest := math.MinInt
	for _, r := range all {
		highest = max(highest, r.priority())
	}
	return keep(all, func(r *route) bool {
		return r.token == p.token || r.presence == nil || r.presence.RoutingRule != lime.RouteIdentityByPriority || r.priority() == highest
	})
}

func (r *route) priority() int {
	if r.presence == nil {
		return 0
	}
	return r.presence.Priority
}

// dropFar leaves out those with the flag that are further away than others with it.
func dropFar(all []*route, p *parcel, distance func(edge, origin presence.EdgeID) int) []*route {
	flagged := func(r *route) bool { return r.token != p.token && r.presence != nil && r.presence.FilterByDistance }
	nearest := math.MaxInt
	for _, r := range all {
		if flagged(r) {
			nearest = min(nearest, distance(r.edge, p.origin))
		}
	}
	return keep(all, func(r *route) bool { return !flagged(r) || distance(r.edge, p.origin) == nearest })
}

// dropTurns leaves out those with the flag whose turn it is not. Whose it is, is drawn by
// lot (rendezvous hashing), so that when one comes or goes no two others change places.
func dropTurns(all []*route, p *parcel) []*route {
	flagged := func(r *route) bool { return r.token != p.token && r.presence != nil && r.presence.RoundRobin }
	var next *route
	for _, r := range all {
		if flagged(r) && (next == nil || r.before(next, p)) {
			next = r
		}
	}
	return keep(all, func(r *route) bool { return !flagged(r) || r == next })
}

// before tells whether it is r's turn rather than another's.
func (r *route) before(other *route, p *parcel) bool {
	if p.position != 0 && !r.inTime(p) { // nor is the other, after dropLate
		if r.since != other.since {
			return r.since-1 < other.since-1 // who has no number yet comes last
		}
		return r.token < other.token
	}
	mine, its := lot(r.token, p.turn), lot(other.token, p.turn)
	return mine > its || mine == its && r.token < other.token
}

// lot is a number that differs for each session and each turn (FNV-1a, and the finish
// of MurmurHash3).
func lot(token string, turn uint64) uint64 {
	h := 14695981039346656037 ^ turn
	h = mix(h)
	for i := range len(token) {
		h = (h ^ uint64(token[i])) * 1099511628211
	}
	return mix(h)
}

func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// turnOf makes a turn of the number of an envelope that is its edge's alone.
func turnOf(edge presence.EdgeID, number uint64) uint64 { return lot(string(edge), number) }

func keep(all []*route, wanted func(*route) bool) []*route {
	kept := all[:0]
	for _, r := range all {
		if wanted(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// distance is how far a session's edge is from that of a sender: 0 on the same, 1 in the
// same zone, else 2. Where a zone is not known it is another, so that an edge that knows
// less than others takes its own sessions to be nearer, if anything: an envelope may come
// to two, and never to none.
func (h *Hubs) distance(edge, origin presence.EdgeID) int {
	switch {
	case origin == "":
		return 2
	case edge == origin:
		return 0
	case h.cfg.Zone == nil:
		return 2
	}
	if zone := h.cfg.Zone(edge); zone != "" && strings.EqualFold(zone, h.cfg.Zone(origin)) {
		return 1
	}
	return 2
}

// routes is the hub's view as the rules see it; nil when each session's own address and
// presence say what is for it. The shard is locked.
func (h *hub) routes() []route {
	if !h.arranged {
		h.arranged = true
		h.arrange()
	}
	if h.wide == nil {
		return nil
	}
	return h.wide.arrangement
}

// disarrange says that the view, or a member's presence, has changed. What was passed may
// be for those here now.
func (h *hub) disarrange() {
	h.arranged = false
	for m := range h.members.all() {
		m.reviewLocked()
	}
}

func (h *hub) arrange() {
	some := false
	for m := range h.members.all() {
		some = some || ruled(m.presence)
	}
	for i := range h.remote() {
		some = some || ruled(&h.remote()[i].Presence)
	}
	if !some {
		if h.wide != nil {
			h.wide.arrangement = nil
			h.narrow()
		}
		return
	}
	w := h.widened()
	clear(w.arrangement)
	w.arrangement = w.arrangement[:0]
	for m := range h.members.all() {
		w.arrangement = append(w.arrangement, route{
			member: m, edge: m.hubs().cfg.Edge, address: m.who.String(), token: m.token(), presence: m.presence, takes: m.takenLocked(), guest: m.guest, since: m.shared().since,
		})
	}
	for i := range h.remote() {
		r := &h.remote()[i]
		p := r.Presence
		w.arrangement = append(w.arrangement, route{
			edge: r.Edge, address: r.Node.String(), token: subject.Token(r.Node.Instance), presence: &p, takes: r.Takes, guest: r.Guest, since: r.Since,
		})
	}
}
