package routing

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// Observes brings what people are told of the presence of others to their sessions.
type Observes struct {
	NATS *nats.Conn // made by Connect
}

// Observe publishes an envelope, which it borrows, for all sessions of an identity that
// are told of others, or for one of them. One who is not there gets nothing.
func (o Observes) Observe(to lime.Node, envelope []byte) error {
	key, err := subject.MakeKey(to.Identity)
	if err != nil { // nobody can be there
		return nil //nolint:nilerr // an address that is too long has no sessions
	}
	return o.NATS.Publish(key.Observe(), envelope)
}

// Flush returns when the broker has all that was published. ctx has a deadline.
func (o Observes) Flush(ctx context.Context) error { return o.NATS.FlushWithContext(ctx) }

// observe gives what was observed to the members that are told of others. Its to is
// theirs, or that of one of them. No rule chooses among them: it is not traffic that they
// share.
func (t *turn) observe(b *hub, envelope []byte) {
	if _, err := t.header.Scan(envelope); err != nil {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	to, err := lime.ParseNodeView(t.header.To)
	if err != nil {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	token := subject.Identity
	if len(to.Instance) > 0 {
		token = subject.Token(string(to.Instance))
	}
	for m := range b.members.all() {
		if !hears(m.presence) || token != subject.Identity && token != m.token() {
			continue
		}
		if err := t.give(m, token, envelope); err != nil {
			t.hubs.metrics.drop(dropFor(err))
		}
	}
}

// presence takes word of a presence, and answers when it is done.
func (w *Worker) presence(msg *nats.Msg) {
	var e PresenceEvent
	if err := json.Unmarshal(msg.Data, &e); err != nil {
		w.warn.Warn("a router is told what it cannot read", fmt.Errorf("word of a presence: %w", err))
		return
	}
	w.cfg.Presence(e, func() {
		if err := msg.Respond(nil); err != nil {
			w.log.WithError(err).Debug("could not answer that others were told of a presence")
		}
	})
}
