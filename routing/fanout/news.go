package fanout

import (
	"context"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// tell tells the sender, if it is there, that each member has a copy: the group has handed
// the message on, and it has arrived where it was sent to. The members' own receipts end
// with the group. A sender that is told of nothing but failures hears of copies that no log
// takes.
func (m *message) tell(ctx context.Context) {
	if m.header.ID == nil {
		return
	}
	if m.refused > 0 {
		m.tellFailed(ctx, reasonLost)
		return
	}
	to, key, token, ok := m.senderNode()
	if !ok {
		return
	}
	from := lime.AppendIdentity(nil, m.roster.group)
	for _, event := range []lime.Event{lime.EventDispatched, lime.EventReceived} {
		text := lime.AppendNotification(nil, m.header.ID, from, []byte(to.String()), event, nil)
		reply := string(subject.AppendNoReply(nil, m.prefix, 1, m.turns.Add(1)))
		if err := m.cfg.NATS.PublishRequest(key.To(token), reply, text); err != nil {
			m.metrics.drop(dropUntold)
		}
	}
}

// tellFailed has the sender told that the message failed, now or when it comes.
func (m *message) tellFailed(ctx context.Context, why *lime.Reason) {
	if m.header.ID == nil {
		return
	}
	to, key, token, ok := m.senderNode()
	if !ok {
		m.metrics.drop(dropUntold)
		return
	}
	n := lime.Notification{
		ID: string(m.header.ID), To: to, Event: lime.EventFailed, Reason: why,
		From: lime.ServerNode(m.cfg.Domains, to.Domain, m.cfg.ID),
	}
	news := &nats.Msg{
		Subject: key.Log(key.Partition(m.cfg.Streams.Partitions()), token), Data: n.AppendJSON(nil),
		Header: nats.Header{nats.MsgIdHdr: []string{"failed:" + m.unique}},
	}
	for try := range 3 {
		if m.cfg.Streams.Store(ctx, []*nats.Msg{news})[0] == nil {
			return
		}
		pause(ctx, retryPause<<try)
	}
	m.metrics.drop(dropUntold)
}

// senderNode is the session that has sent the message, and its address in subjects.
func (m *message) senderNode() (n lime.Node, key subject.Key, token string, ok bool) {
	text := m.header.From
	if m.header.PP != nil {
		text = m.header.PP
	}
	n, err := lime.ParseNode(string(text))
	if err != nil {
		return n, "", "", false
	}
	token = subject.Identity
	if gateway := m.Header.Get(stream.GatewayHeader); gateway != "" {
		return n, subject.Key(gateway), token, true
	}
	key, err = subject.MakeKey(n.Identity)
	if n.Instance != "" {
		token = subject.Token(n.Instance)
	}
	return n, key, token, err == nil
}
