package routing

import (
	"bytes"
	"errors"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// deliver gives an envelope to those of a hub's members whom its address reaches,
// and tells its origin when that is nobody.
func (t *turn) deliver(b *hub, token string, from subject.Origin, msg *nats.Msg) {
	sender, err := lime.ParseNodeView(t.header.From)
	if err != nil {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	if p := &b.known().policy; (p.inForce != nil || p.asking > 0) && !t.passes(b, token, sender, from, msg) {
		return
	}
	t.distribute(b, token, lime.IsPostmaster(sender.Name), from, msg)
}

// distribute is deliver of what its recipient does not mind to get. server says that it is
// from the server. The header is scanned.
func (t *turn) distribute(b *hub, token string, server bool, from subject.Origin, msg *nats.Msg) {
	session := sessionOf(&t.header)
	reached, refused, unwanted := false, false, false
	elsewhere, there := false, false // another edge has who takes it, or whom it is for
	give := func(m *Member) {
		if !m.takes(&t.header) {
			t.hubs.metrics.drop(dropUnaccepted)
			unwanted = true
			return
		}
		if t.header.Kind == lime.KindNotification {
			if !m.receiptsLocked().Has(t.header.Event) {
				t.hubs.metrics.drop(dropUnwanted)
				reached = true
				return
			}
			if m.toldFailed(t.header.ID) {
				t.hubs.metrics.drop(dropAfterFailed)
				reached = true
				return
			}
			if early, held := m.holdEarly(&t.header, msg.Data); early {
				if reached = reached || held; !held {
					t.hubs.metrics.drop(dropQueueFull)
					refused = true
				}
				return
			}
			if m.owes() { // nothing overtakes what is owed
				t.hubs.metrics.drop(dropQueueFull)
				refused = true
				return
			}
		}
		if err := t.give(m, token, msg.Data); err != nil {
			t.hubs.metrics.drop(dropFor(err))
			refused = true
		} else {
			reached = true
		}
	}
	if routes := b.routes(); routes != nil {
		p := parcel{header: &t.header, token: token, server: server, sender: session, origin: from.Edge, turn: turnOf(from.Edge, from.Turn)}
		t.chosen = choose(t.chosen[:0], routes, &p, t.hubs.distance)
		for _, r := range t.chosen {
			if r.member != nil {
				give(r.member)
			} else {
				there, elsewhere = true, elsewhere || r.wants(&p)
			}
		}
	} else {
		if token == subject.Identity {
			for m := range b.members.all() {
				if reachedAtIdentity(m.presence, m.guest, server) && (echoes(m.presence) || string(session) != m.who.String()) {
					give(m)
				}
			}
		} else if m := b.find(token); m != nil && reachedAtNode(m.presence, server) {
			give(m)
		}
		if !reached {
			there, elsewhere = reachedElsewhere(b.remote(), token, server, &t.header)
		}
	}
	switch {
	case reached || elsewhere:
	case refused:
		t.note(msg.Reply, from, lime.CodeDispatchError)
	case unwanted:
		t.lost(msg.Data, unaccepted(&t.header), dropUnaccepted)
		t.note(msg.Reply, from, unaccepted(&t.header))
	case there:
	case t.short:
		t.nobody = true
	default:
		t.nobodyHere(from, msg)
	}
}

// give queues an envelope for a member, which it borrows. The header is scanned of it.
func (t *turn) give(m *Member, token string, envelope []byte) error {
	if t.hubs.cfg.Tracer != nil {
		return t.handTraced(m, token, envelope)
	}
	return t.hand(m, token, envelope)
}

// hand queues an envelope for a member. A client compares its to with the node
// that was announced to it, letter by letter, so a to that is spelled another way
// is written as the client knows it. What is for another address goes as it came.
func (t *turn) hand(m *Member, token string, envelope []byte) error {
	switch token {
	case subject.Identity:
		t.address = lime.AppendIdentity(t.address[:0], m.who.Identity())
	case m.token():
		t.address = append(t.address[:0], m.who.String()...)
	default:
		t.address = append(t.address[:0], t.header.To...)
	}
	if !bytes.Equal(t.header.To, t.address) && m.isOwn(t.header.To) { // not what is for who is behind a gateway
		t.rewrite = t.header.AppendRewritten(t.rewrite[:0], envelope, lime.Rewrite{To: t.address})
		envelope = t.rewrite
	}
	here := false
	if t.by != nil {
		var err error
		if here, err = t.by.Pass(m.to, envelope); err != nil {
			return err
		}
	}
	if !here {
		if err := m.to.Deliver(envelope); err != nil {
			return err
		}
		t.touch(m)
	}
	n := &t.gave[t.header.Kind]
	n.envelopes++
	n.bytes += len(envelope)
	return nil
}

// touch has m probed and flushed when the turn ends.
func (t *turn) touch(m *Member) {
	if !m.touched {
		m.touched = true
		t.touched = append(t.touched, m)
	}
}

// reachedElsewhere tells whether an address reaches one of an identity's sessions on other edges, which
// then speaks for itself, and whether one of them takes the envelope.
func reachedElsewhere(remote []presence.Registration, token string, server bool, envelope *lime.Header) (reached, taken bool) {
	for i := range remote {
		r := &remote[i]
		var here bool
		if token == subject.Identity {
			here = reachedAtIdentity(&r.Presence, r.Guest, server)
		} else {
			here = reachedAtNode(&r.Presence, server) && subject.Token(r.Node.Instance) == token
		}
		reached, taken = reached || here, taken || here && r.Takes.Takes(envelope)
	}
	return reached, taken
}

// dropFor names the reason for which a recipient did not take an envelope.
func dropFor(err error) dropReason {
	if errors.Is(err, ErrQueueFull) {
		return dropQueueFull
	}
	return dropClosed
}
