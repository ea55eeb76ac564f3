package fanout

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// maxTransient bounds how many messages without an id wait.
const maxTransient = 1024

// transient takes the messages without an id for the partition's groups until ctx is done.
func (t *tenure) transient(ctx context.Context) {
	queue := make(chan *nats.Msg, maxTransient)
	sub, err := t.cfg.NATS.Subscribe(subject.FanAll(t.p), func(m *nats.Msg) {
		select {
		case queue <- m:
		default:
			t.metrics.drop(dropBusy)
		}
	})
	if err != nil {
		t.complain(err, "messages without an id for groups cannot be taken")
		return
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-queue:
			t.spread(ctx, m)
		}
	}
}

// spread publishes a message to all members who are there.
func (t *tenure) spread(ctx context.Context, msg *nats.Msg) {
	key, ok := subject.SplitGroup(msg.Subject)
	m := message{tenure: t, waiting: waiting{Message: stream.Message{Header: msg.Header, Data: msg.Data}, at: time.Now()}}
	if !ok || !m.parse() {
		t.metrics.drop(dropMalformed)
		return
	}
	members, err := t.rosters.get(ctx, key, m.at)
	if err != nil {
		t.metrics.drop(dropUnknown)
		return
	}
	if !members.maySend(m.sender) {
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
