package routing

import (
	"context"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/delivery"
	"limegrove/routing/subject"
)

// tails is what is asked about the addresses of members in one partition.
type tails struct {
	members        []*Member
	which          []int
	logs, inboxes  []string
	log, inbox     map[string]uint64
	atLog, atInbox uint64
}

// begin starts the follows of members of one partition, or checks those that are in
// doubt. Most of them have missed nothing, which one request for many of them tells.
func (r *reader) begin(ctx context.Context, j *readerJob) {
	q := r.ask(j.lot, r.floors(ctx, j.lot))
	if len(q.members) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	j.asked = true
	// The log first: see package delivery.
	if q.log, q.atLog, j.err = r.hubs.cfg.Streams.LastLog(ctx, j.partition, q.logs); j.err == nil {
		q.inbox, q.atInbox, j.err = r.hubs.cfg.Streams.LastInbox(ctx, j.partition, q.inboxes)
	}
	for i, m := range q.members {
		r.begun(m, &q, i, j.err)
	}
}

// ask starts what is to be started, and returns what is to be asked.
func (r *reader) ask(lot []*Member, floors [][]presence.Floor) (q tails) {
	for i, m := range lot {
		s := m.hub.shard
		s.mu.Lock()
		m.startQueued = false
		for which := range m.follows {
			f := &m.follows[which]
			if m.state != active {
				continue
			}
			if m.starting.has(which) {
				m.starting.set(which, false)
				f.Start(r.floorOf(m, which, floors[i]))
			}
			if !f.Behind() {
				continue
			}
			q.members, q.which = append(q.members, m), append(q.which, which)
			q.logs = append(q.logs, m.hub.key.Log(m.partition(), m.tokenOf(which)))
			q.inboxes = append(q.inboxes, m.hub.key.Inbox(m.partition(), m.tokenOf(which)))
		}
		s.mu.Unlock()
	}
	return q
}

// begun takes what was found for one address of m.
func (r *reader) begun(m *Member, q *tails, i int, err error) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	which := q.which[i]
	f := &m.follows[which]
	switch {
	case m.state != active:
	case err != nil:
		r.start(m) // when the partition is tried again
	default:
		comes := which == byIdentity && m.shared().since == 0 && f.On() && competes(m.presence)
		if comes {
			m.sharingLocked().since = q.atLog + 1
			m.hub.disarrange()
			r.hubs.registrar.changed(m)
		}
		switch {
		case f.Tails(
			delivery.Tail{Last: q.log[q.logs[i]], Through: q.atLog},
			delivery.Tail{Last: q.inbox[q.inboxes[i]], Through: q.atInbox},
		):
		case comes:
			r.later(m) // others that come at the same time are known by then
		default:
			r.read(m)
		}
	}
}

// floors reads the floors of members that begin. Without Redis there are none, and
// what was acknowledged a moment ago comes again.
func (r *reader) floors(ctx context.Context, lot []*Member) [][]presence.Floor {
	ids := make([]lime.Identity, len(lot))
	for i, m := range lot {
		ids[i] = m.who.Identity()
	}
	none := make([][]presence.Floor, len(lot))
	if r.hubs.registrar.away.Load() {
		return none
	}
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	all, err := r.hubs.cfg.Registry.Floors(ctx, ids)
	if err != nil || len(all) != len(lot) {
		r.hubs.complaints.Warn("floors cannot be read; what was acknowledged may come again", err)
		return none
	}
	return all
}

// floorOf picks the floor of one address. What this edge has yet to bring to Redis
// counts, too: the session before may have ended a moment ago.
func (r *reader) floorOf(m *Member, which int, all []presence.Floor) (floor uint64) {
	log := r.hubs.cfg.Streams.LogName(m.partition())
	for _, f := range all {
		token := subject.Identity
		if f.Instance != "" {
			token = subject.Token(f.Instance)
		}
		if token == m.tokenOf(which) && f.Log == log {
			floor = max(floor, f.Position)
		}
	}
	return max(floor, r.hubs.floors.pending(m.hub.key, m.tokenOf(which)))
}
