package routing

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// Delegated is what an owner has given to an identity, or to one node of it. A newer version
// of the same is above an older.
type Delegated struct {
	Owner   lime.Identity `json:"owner"`
	Version uint64        `json:"version"`
	lime.Delegation
}

// DelegationEvent tells the edges of a target that it was given something, or that this was
// taken back. Routers tell.
type DelegationEvent struct {
	Delegated
	// Revoked leaves of the delegation the target alone.
	Revoked bool `json:"revoked,omitempty"`
}

// TellDelegation publishes e.
func TellDelegation(nc *nats.Conn, e DelegationEvent) error {
	key, err := subject.MakeKey(e.Target.Identity)
	if err != nil {
		return fmt.Errorf("tell of the delegation to %s: %w", e.Target, err)
	}
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("tell of the delegation to %s: %w", e.Target, err)
	}
	return nc.Publish(key.Delegation(), data)
}

// delegations are what the identity of a hub was given, and what was taken back a moment ago,
// so that an older word of it does not bring it back. Guarded by the hub's shard; the zero
// value is nothing that anybody has looked up.
type delegations struct {
	lost    int // what the client library had dropped for the shard when it was read
	byOwner map[string][]Delegated
	count   int
	revoked map[string]revocation // by owner and target
}

type revocation struct {
	version uint64
	till    time.Time
}

const (
	// maxDelegated bounds what is kept for one identity; the store has no more, or hardly.
	maxDelegated = 1100

	// revokedKept is longer than an older word of the same is under way: what is told a
	// second time, what was read of a replica that is behind.
	revokedKept = time.Minute
)

// delegationKey is the owner's, and the target's when that is not nil.
func delegationKey(dst []byte, owner lime.Identity, target *lime.Node) []byte {
	dst = lime.AppendFold(dst, []byte(owner.Name))
	dst = append(dst, '@')
	dst = lime.AppendFold(dst, []byte(owner.Domain))
	if target != nil {
		dst = append(dst, '\n')
		dst = lime.AppendFold(dst, []byte(target.Instance))
	}
	return dst
}

// take takes what was told or read of one delegation, unless something newer is known.
func (d *delegations) take(e DelegationEvent, now time.Time) {
	key := string(delegationKey(nil, e.Owner, nil))
	both := string(delegationKey(nil, e.Owner, &e.Target))
	if r, ok := d.revoked[both]; ok && e.Version <= r.version {
		return
	}
	all := d.byOwner[key]
	at := -1
	for i := range all {
		if all[i].Target.EqualFold(e.Target) {
			at = i
		}
	}
	if at >= 0 && e.Version < all[at].Version {
		return
	}
	switch {
	case e.Revoked:
		d.noteRevoked(both, revocation{e.Version, now.Add(revokedKept)}, now)
		if at >= 0 {
			d.byOwner[key] = append(all[:at:at], all[at+1:]...)
			d.count--
			if len(d.byOwner[key]) == 0 {
				delete(d.byOwner, key)
			}
		}
	case at >= 0:
		all[at] = e.Delegated
	case d.count < maxDelegated:
		if d.byOwner == nil {
			d.byOwner = map[string][]Delegated{}
		}
		d.byOwner[key] = append(all, e.Delegated)
		d.count++
	}
}

// noteRevoked keeps a revocation for a while. Beyond maxDelegated of them none is kept, and
// what was read of a replica that is behind may hold until it is read again.
func (d *delegations) noteRevoked(key string, r revocation, now time.Time) {
	if len(d.revoked) >= maxDelegated {
		for k, old := range d.revoked {
			if now.After(old.till) {
				delete(d.revoked, k)
			}
		}
		if len(d.revoked) >= maxDelegated {
			return
		}
	}
	if d.revoked == nil {
		d.revoked = map[string]revocation{}
	}
	d.revoked[key] = r
}

// replace makes what was read what there is.
func (d *delegations) replace(all []Delegated, now time.Time) {
	d.byOwner, d.count = nil, 0
	for _, one := range all {
		d.take(DelegationEvent{Delegated: one}, now)
	}
}

// allow tells whether the owner of a key lets a node of the identity send an envelope.
func (d *delegations) allow(key []byte, instance string, h *lime.Header) bool {
	all := d.byOwner[string(key)]
	for i := range all {
		if instanceFits(all[i].Target.Instance, instance) && all[i].Allows(all[i].Owner, h) {
			return true
		}
	}
	return false
}

// instanceFits tells whether a target's instance, if it has one, is a session's.
func instanceFits(target, instance string) bool {
	return target == "" || lime.Node{Instance: target}.EqualFold(lime.Node{Instance: instance})
}

// delegationChanged takes what a router tells, with the shard locked.
func (h *Hubs) delegationChanged(b *hub, data []byte) {
	var e DelegationEvent
	if err := json.Unmarshal(data, &e); err != nil {
		h.metrics.drop(dropMalformed)
		return
	}
	b.news++
	b.learns().given.take(e, time.Now())
}

// MayActFor tells whether owner lets the session send an envelope in its name. It does not
// block. A guest proves nothing, and was given nothing. As long as it is not known what the
// identity was given, it is nothing.
func (m *Member) MayActFor(owner lime.NodeView, h *lime.Header) bool {
	if m.guest {
		return false
	}
	s := m.hub.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	d, known := &m.hub.known().given, m.hub.learning.has(givenKnown)
	if m.hubs().cfg.Delegations != nil && known && s.interest.Dropped() != d.lost {
		m.hubs().doubtLocked(m.hub)
	}
	if d.count == 0 || m.hubs().cfg.Delegations != nil && !m.hub.learning.has(givenKnown) {
		return false
	}
	s.key = append(lime.AppendFold(s.key[:0], owner.Name), '@')
	s.key = lime.AppendFold(s.key, owner.Domain)
	return d.allow(s.key, m.who.Instance(), h)
}
