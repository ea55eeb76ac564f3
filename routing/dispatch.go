package routing

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// maxTurn is how many envelopes a dispatcher handles before it lets go of its
// shard and writes.
const maxTurn = 256

// dispatch hands out what NATS brings for the hubs of one shard, in order, until
// ctx is done. What one turn has for a session leaves in one write.
func (h *Hubs) dispatch(ctx context.Context, s *shard) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-s.messages:
			s.mu.Lock()
			s.turn.handle(s, msg)
		more:
			for range maxTurn - 1 {
				select {
				case msg := <-s.messages:
					s.turn.handle(s, msg)
				default:
					break more
				}
			}
			written := s.turn.end()
			s.mu.Unlock()
			flushAll(written)
			s.turn.tell() // not under the lock: a broker that does not read blocks
		}
	}
}

// flushAll writes what recipients were given, and forgets them.
func flushAll(written []Recipient) {
	for i, to := range written {
		to.Flush()
		written[i] = nil
	}
}

// turn is what a dispatcher does between two writes.
type turn struct {
	hubs    *Hubs
	header  lime.Header
	rewrite []byte      // an envelope whose to was written another way
	address []byte      // what its to becomes
	chosen  []*route    // those that an envelope is for
	touched []*Member   // given something
	written []Recipient // theirs, to be flushed
	fates   []fate      // of envelopes that reached nobody
}

// fate is what the origin of a publication is told: a reason's code, or the answer to
// a question.
type fate struct {
	reply string
	text  []byte
}

// end returns the recipients to flush, which are the caller's until the next end.
func (t *turn) end() []Recipient {
	t.written = t.written[:0]
	for i, m := range t.touched {
		m.touched = false
		t.touched[i] = nil
		m.probeLocked(false)
		t.written = append(t.written, m.to)
	}
	t.touched = t.touched[:0]
	return t.written
}

// handle takes one message of NATS, with the shard locked.
func (t *turn) handle(s *shard, msg *nats.Msg) {
	key, token, ok := subject.SplitTo(msg.Subject)
	if !ok {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	b := s.hubs[key]
	if b == nil || b.sub != msg.Sub {
		// The hub has ended, or the broker still serves the subscription of an
		// earlier hub of the same identity: its successor gets its own copy. Whoever
		// sent to a session in the moment of its end hears nothing: at most once.
		return
	}
	if token == subject.View {
		t.hubs.viewChanged(b, msg.Data)
		return
	}
	if token == subject.Account {
		t.hubs.accountChanged(b, msg.Data)
		return
	}
	if token == subject.Delegation {
		t.hubs.delegationChanged(b, msg.Data)
		return
	}
	if token == subject.Observe {
		t.observe(b, msg.Data)
		return
	}
	if token == subject.Here {
		t.fates = append(t.fates, fate{msg.Reply, b.here()})
		return
	}
	if token == subject.Acked {
		t.hubs.othersAcked(b, msg.Data)
		return
	}
	if token == subject.Working {
		if !b.othersWork(msg.Data, time.Now()) {
			t.hubs.metrics.drop(dropMalformed)
		}
		return
	}
	from, ok := subject.ParseReply(msg.Reply)
	if !ok {
		t.ofStream(b, token, msg)
		return
	}
	if from.Hops > t.hubs.cfg.MaxHops {
		t.hubs.metrics.drop(dropHopLimit)
		return
	}
	if _, err := t.header.Scan(msg.Data); err != nil {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	t.deliver(b, token, from, msg)
}

// ofStream takes the copy of a stored message that a stream has republished.
func (t *turn) ofStream(b *hub, token string, msg *nats.Msg) {
	c, ok, err := parseStored(msg.Header)
	switch {
	case !ok:
		t.hubs.metrics.drop(dropOrigin)
	case err != nil:
		t.hubs.metrics.drop(dropMalformed)
	case t.hubs.cfg.Streams != nil:
		t.storedCopy(b, token, c, msg.Data)
	}
}

// deliver gives an envelope to those of a hub's members whom its address reaches,
// and tells its origin when that is nobody.
func (t *turn) deliver(b *hub, token string, from subject.Origin, msg *nats.Msg) {
	sender, err := lime.ParseNodeView(t.header.From)
	if err != nil {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	server := lime.IsPostmaster(sender.Name)
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
			if !m.receipts.Has(t.header.Event) {
				t.hubs.metrics.drop(dropUnwanted)
				reached = true
				return
			}
			if m.toldFailed(t.header.ID) {
				t.hubs.metrics.drop(dropAfterFailed)
				reached = true
				return
			}
			if m.holdEarly(&t.header, msg.Data) {
				reached = true
				return
			}
			if len(m.owed) > 0 { // nothing overtakes what is owed
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
			for _, m := range b.members {
				if reachedAtIdentity(m.presence, m.guest, server) && (echoes(m.presence) || string(session) != m.address) {
					give(m)
				}
			}
		} else if m := b.find(token); m != nil && reachedAtNode(m.presence, server) {
			give(m)
		}
		if !reached {
			there, elsewhere = b.reachedElsewhere(token, server, &t.header)
		}
	}
	switch {
	case reached || elsewhere:
	case refused:
		t.note(msg.Reply, from, lime.CodeDispatchError)
	case unwanted:
		t.note(msg.Reply, from, unaccepted(&t.header))
	case there:
	default:
		t.hubs.metrics.drop(dropNoRecipient)
		t.note(msg.Reply, from, lime.CodeRoutingDestinationNotFound)
	}
}

// give queues an envelope for a member. A client compares its to with the node
// that was announced to it, letter by letter, so a to that is spelled another way
// is written as the client knows it. What is for another address goes as it came.
func (t *turn) give(m *Member, token string, envelope []byte) error {
	switch token {
	case subject.Identity:
		t.address = lime.AppendIdentity(t.address[:0], m.node.Identity)
	case m.token:
		t.address = append(t.address[:0], m.address...)
	default:
		t.address = append(t.address[:0], t.header.To...)
	}
	if !bytes.Equal(t.header.To, t.address) && m.isOwn(t.header.To) { // not what is for who is behind a gateway
		t.rewrite = t.header.AppendRewritten(t.rewrite[:0], envelope, lime.Rewrite{To: t.address})
		envelope = t.rewrite
	}
	if err := m.to.Deliver(envelope); err != nil {
		return err
	}
	t.hubs.metrics.delivered.Inc()
	t.touch(m)
	return nil
}

// touch has m probed and flushed when the turn ends.
func (t *turn) touch(m *Member) {
	if !m.touched {
		m.touched = true
		t.touched = append(t.touched, m)
	}
}

// reachedElsewhere tells whether, by the hub's view, an address reaches a session of another
// edge, which then speaks for itself, and whether one of them takes the envelope.
func (h *hub) reachedElsewhere(token string, server bool, envelope *lime.Header) (reached, taken bool) {
	for i := range h.remote {
		r := &h.remote[i]
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

// note has the origin of an envelope that reached nobody told so, if it asked to know.
func (t *turn) note(reply string, from subject.Origin, code lime.Code) {
	if from.Sequence != subject.NoReply {
		t.fates = append(t.fates, fate{reply, strconv.AppendInt(nil, int64(code), 10)})
	}
}

// tell tells what was noted.
func (t *turn) tell() {
	for i, f := range t.fates {
		if err := t.hubs.cfg.NATS.Publish(f.reply, f.text); err != nil {
			t.hubs.metrics.drop(dropBroker)
		}
		t.fates[i] = fate{}
	}
	t.fates = t.fates[:0]
}

// dropFor names the reason for which a recipient did not take an envelope.
func dropFor(err error) dropReason {
	if errors.Is(err, ErrQueueFull) {
		return dropQueueFull
	}
	return dropClosed
}
