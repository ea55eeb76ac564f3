package fanout

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// transients are the messages without an id that wait, by their groups. What finds no room
// in its group's part is dropped.
type transients struct {
	tenure *tenure
	ctx    context.Context
	turns
}

// transient takes the messages without an id for the partition's groups until ctx is done.
func (t *tenure) transient(ctx context.Context) {
	all := transients{tenure: t, ctx: ctx}
	all.begin(t.cfg.AtOnce, all.spread)
	sub, err := t.cfg.NATS.Subscribe(subject.FanAll(t.p), all.add)
	if err != nil {
		t.complain(err, "messages without an id for groups cannot be taken")
		return
	}
	<-ctx.Done()
	_ = sub.Unsubscribe() // the connection may be gone
	all.finish()
	all.mu.Lock()
	defer all.mu.Unlock()
	t.metrics.dropped[dropEnded].Add(float64(all.waiting))
}

// add keeps a message until it is its group's turn.
func (all *transients) add(m *nats.Msg) {
	t := all.tenure
	key, ok := subject.SplitGroup(m.Subject)
	if !ok {
		t.metrics.drop(dropMalformed)
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	g, known := all.groups[key]
	if !known {
		g = &lane{key: key}
	}
	switch {
	case all.stopped:
		t.metrics.drop(dropEnded)
		return
	case !all.hasRoomLocked(g, len(m.Data)):
		t.metrics.drop(dropBusy)
		return
	}
	all.pushLocked(g, waiting{Message: stream.Message{Header: m.Header, Data: m.Data}, at: time.Now()})
	if !known {
		all.groups[key] = g
		all.queueLocked(g)
	}
}

// spread publishes one message of a group. A worker always goes on.
func (all *transients) spread(g *lane) bool {
	all.mu.Lock()
	w := g.pop()
	all.mu.Unlock()
	all.tenure.spread(all.ctx, g.key, w)
	all.mu.Lock()
	defer all.mu.Unlock()
	all.doneLocked(w)
	all.stopped = all.stopped || all.ctx.Err() != nil
	if len(g.queue) > 0 {
		all.queueLocked(g)
	} else {
		delete(all.groups, g.key)
	}
	return true
}

// spread publishes a message to all members who are there.
func (t *tenure) spread(ctx context.Context, key subject.Key, w waiting) {
	m := message{tenure: t, waiting: w}
	if !m.parse() {
		t.metrics.drop(dropMalformed)
		return
	}
	members, err := t.rosters.get(ctx, key, m.at)
	if err != nil {
		m.ended(reasonGone)
		t.metrics.drop(dropUnknown)
		return
	}
	if !members.maySend(m.sender) {
		m.ended(reasonMayNot)
		t.metrics.drop(dropPermission)
		return
	}
	m.address(members)
	for _, all := range m.pending {
		for _, to := range all {
			reply := string(subject.AppendNoReply(nil, t.prefix, 1, t.turns.Add(1)))
			if err := t.cfg.NATS.PublishRequest(to.key.To(to.token), reply, m.appendEnvelope(make([]byte, 0, m.size(to)), to)); err != nil {
				t.metrics.drop(dropBroker)
				continue
			}
			t.metrics.transientCopies.Inc()
		}
	}
	m.ended(nil)
	t.metrics.transient.Inc()
}

// maySend tells whether somebody is among those who may.
func (r *roster) maySend(who lime.Identity) bool {
	key, err := subject.MakeKey(who)
	if err != nil {
		return false
	}
	for i := range r.members {
		if r.members[i].key == key {
			return r.members[i].maySend
		}
	}
	return false
}
