package routing

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// controlMessage tells one edge something about one of its sessions.
type controlMessage struct {
	// End is why the session is over.
	End     lime.Reason `json:"end"`
	Node    lime.Node   `json:"node"`
	Session string      `json:"session"`
}

// control takes what comes for this edge: the fates of its envelopes, and what
// others have to tell it.
func (h *Hubs) control(msg *nats.Msg) {
	if o, ok := subject.ParseReply(msg.Subject); ok {
		h.answered(msg, o.Sequence)
		return
	}
	if n, key, ok := subject.ParseTold(msg.Subject, h.announcer.prefix); ok {
		h.announcer.answered(n, key, msg)
		return
	}
	if msg.Subject == subject.Heard(h.cfg.Edge) {
		h.refused.control.Store(false)
		return
	}
	var c controlMessage
	if msg.Subject != subject.Control(h.cfg.Edge) || json.Unmarshal(msg.Data, &c) != nil {
		h.metrics.drop(dropMalformed)
		return
	}
	ended, others := h.atNode(c.Node, c.Session)
	if ended != nil {
		if c.End.Code == lime.CodeSessionRegistrationError {
			ended.lostToAnother()
		}
		h.end(ended, &c.End)
	}
	for _, m := range others {
		// It came before or after the one that replaced its neighbour: Redis knows.
		h.registrar.changed(m)
	}
	if msg.Reply != "" { // whoever takes over waits for what this session has acknowledged
		h.settleFloors(func() {
			if err := msg.Respond(nil); err != nil {
				h.metrics.drop(dropBroker)
			}
		})
	}
}

// settleFloors calls done when Redis has been told of all floors.
func (h *Hubs) settleFloors(done func()) {
	if h.floors == nil {
		done()
		return
	}
	h.floors.settle(done)
}

// tellReplaced tells another edge that a session of its was replaced.
func (h *Hubs) tellReplaced(older *presence.Registration) {
	data, err := json.Marshal(controlMessage{End: *replacedReason(), Node: older.Node, Session: older.Session})
	if err != nil {
		h.metrics.drop(dropBroker)
		return
	}
	h.publishHint(subject.Control(older.Edge), data, string(data))
}

// EndSession has the edge of a registration fail its session with a reason, and returns when
// that has heard of it. The error is the broker's: that nobody has answered may mean that the
// edge is no more, and with it the session.
func EndSession(ctx context.Context, nc *nats.Conn, r presence.Registration, why *lime.Reason) error {
	data, err := json.Marshal(controlMessage{End: *why, Node: r.Node, Session: r.Session})
	if err == nil {
		_, err = nc.RequestWithContext(ctx, subject.Control(r.Edge), data)
	}
	if err != nil {
		return fmt.Errorf("end the session %s: %w", r.Node, err)
	}
	return nil
}

// AccountEvent tells the edges of an identity that its account was made or deleted, or
// lost a credential: who has the name by another right loses it. Routers tell.
type AccountEvent struct {
	// Identity is on the wire the subject alone, in which it is folded.
	Identity lime.Identity `json:"-"`
	// Maker is the session that has made the account, and goes on; zero when it was
	// deleted.
	Maker lime.Node `json:"maker,omitzero"`
	// GuestsOnly leaves those alone who have logged in, perhaps to the new account.
	GuestsOnly bool `json:"guestsOnly,omitempty"`
	// Revoked is a credential that counts no more: those alone whom it has let in end.
	// Maker and GuestsOnly do not matter then.
	Revoked string `json:"revoked,omitempty"`
	// Spared is the session that has asked for it and goes on, until it is told again; zero
	// for none.
	Spared lime.Node `json:"spared,omitzero"`
}

// TellAccount publishes e.
func TellAccount(nc *nats.Conn, e AccountEvent) error {
	key, err := subject.MakeKey(e.Identity)
	if err != nil {
		return fmt.Errorf("tell of the account %s: %w", e.Identity, err)
	}
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("tell of the account %s: %w", e.Identity, err)
	}
	return nc.Publish(key.Account(), data)
}

// accountChanged ends the members that an AccountEvent concerns, with the shard locked.
func (h *Hubs) accountChanged(b *hub, data []byte) {
	var e AccountEvent
	if err := json.Unmarshal(data, &e); err != nil {
		h.metrics.drop(dropMalformed)
		return
	}
	why := &lime.Reason{Code: lime.CodeSessionRegistrationError, Description: "The name belongs to another account now"}
	switch {
	case e.Revoked != "":
		why = &lime.Reason{Code: lime.CodeSessionAuthenticationFailed, Description: "The key was revoked"}
	case e.Maker.IsZero():
		why.Description = "The account was deleted"
	}
	for _, m := range b.all() {
		if e.concerns(m) {
			m.to.End(why)
		}
	}
}

// concerns tells whether the event ends a member.
func (e *AccountEvent) concerns(m *Member) bool {
	if !e.Spared.IsZero() && m.who.Node() == e.Spared {
		return false
	}
	if e.Revoked != "" {
		return m.own != nil && m.own.letInBy == e.Revoked
	}
	return m.who.Node() != e.Maker && (m.guest || !e.GuestsOnly)
}

// replaced ends a member whose node a session of another edge has.
func (h *Hubs) replaced(m *Member) {
	m.lostToAnother()
	h.end(m, replacedReason())
}

// lostToAnother notes that a session of another edge has m's node.
func (m *Member) lostToAnother() {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	m.hub.widened().lost = true
}

// end takes a member out of its hub at once, and fails its session.
func (h *Hubs) end(m *Member, why *lime.Reason) {
	m.Leave()
	m.to.End(why)
}

// atNode returns the member of a session, or nil, and the others at its node, which
// may not be active yet.
func (h *Hubs) atNode(n lime.Node, session string) (m *Member, others []*Member) {
	key, err := subject.MakeKey(n.Identity)
	if err != nil {
		return nil, nil
	}
	s := h.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.hubs.find(key)
	if b == nil {
		return nil, nil
	}
	token := subject.Token(n.Instance)
	for _, o := range b.all() {
		switch {
		case o.token() != token:
		case o.who.Tag() == session:
			m = o
		default:
			others = append(others, o)
		}
	}
	return m, others
}

// appendFailure appends what LIME has for the sender of an envelope that reached
// nobody: a failed notification, or a failure response.
func appendFailure(dst []byte, p *pending, server, sender lime.Node, why *lime.Reason) []byte {
	if p.kind == lime.KindCommand {
		c := lime.Command{
			ID: string(p.id), From: server, To: sender, Method: p.method, Status: lime.CommandFailure, Reason: why,
		}
		return c.AppendJSON(dst)
	}
	n := lime.Notification{ID: string(p.id), From: server, To: sender, Event: lime.EventFailed, Reason: why}
	return n.AppendJSON(dst)
}

// answer is the kind of what appendFailure appends.
func (p *pending) answer() lime.Kind {
	if p.kind == lime.KindCommand {
		return lime.KindCommand
	}
	return lime.KindNotification
}
