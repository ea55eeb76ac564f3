package client

import (
	"strings"

	"limegrove/lime"
)

// takeMessage queues a message. One with an id waits for room, since the server keeps what
// is behind it; one without is dropped when there is none. One that has come before is queued as a
// mark that it is to be acknowledged again, in its turn.
func (s *session) takeMessage(b []byte) error {
	c, h := s.client, &s.header
	m, err := h.Message(b)
	switch {
	case err != nil && c.cfg.SendOnly:
		c.drop(DropUnwanted)
		return nil
	case err != nil:
		c.drop(DropMalformed)
		return nil
	}
	correlation := m.Metadata[lime.KeyResponseID]
	if c.cfg.SendOnly && correlation == "" {
		return s.refuse(m)
	}
	known, again := c.duplicates.seen(h)
	if correlation != "" {
		if taken, err := s.takeAnswer(m, correlation, again); taken {
			return err
		}
	}
	if c.cfg.SendOnly {
		return s.refuse(m)
	}
	i := item{kind: lime.KindMessage, envelope: m, session: s, again: again, stored: m.ID != ""}
	if m.ID == "" && !c.inbox.hasRoom(i.kind) {
		c.drop(DropFull)
		return nil
	}
	if i.stored {
		if err := c.inbox.waitForRoom(s); err != nil {
			if !again {
				c.duplicates.forget(known) // it comes again, and was not handed out
			}
			return err
		}
	}
	err = s.arrive(&i, b)
	if i.stored && i.kept == 0 {
		i.number = s.proofs.came()
	}
	c.inbox.add(i)
	return err
}

// refuse tells the sender of a message that nobody is here for it.
func (s *session) refuse(m *lime.Message) error {
	s.client.drop(DropUnwanted)
	if n := s.receipt(&lime.Message{ID: m.ID, From: m.From, PP: m.PP}, lime.EventFailed, lime.NewReason(lime.CodeMessageUnsupportedContentType, "This client takes no messages")); n != nil {
		return s.out.answer(n)
	}
	return nil
}

// takeNotification tells the publication that it is about, and queues it if it is wanted.
func (s *session) takeNotification(b []byte) error {
	c := s.client
	n, err := s.header.Notification(b)
	if err != nil {
		c.drop(DropMalformed)
		return nil
	}
	ours, again := c.publications.answered(n, s.node)
	if ours && c.cfg.Store != nil { // there is one to remove, and perhaps another to read
		s.out.ring()
	}
	switch {
	case again:
		s.out.ring()
		return nil
	case c.requests.failed(n, s.node):
		ours = true
	case ours && n.Event == lime.EventAccepted && !c.events().Has(n.Event):
		return nil // heard for the publication alone
	}
	if !c.inbox.wants(lime.KindNotification) {
		if !ours {
			c.drop(DropUnwanted)
		}
		return nil
	}
	c.offer(item{kind: lime.KindNotification, session: s, envelope: n})
	return nil
}

// offer queues what no server keeps, or drops it.
func (c *Client) offer(i item) (taken bool) {
	if taken = c.inbox.offer(i); !taken {
		c.drop(DropFull)
	}
	return taken
}

// takeCommand gives a response to who waits for it, answers pings, and queues other
// requests if they are wanted and there is room.
func (s *session) takeCommand(b []byte) error {
	c := s.client
	cmd, err := s.header.Command(b)
	if err != nil {
		c.drop(DropMalformed)
		return nil
	}
	switch {
	case cmd.Status != 0:
		s.takeResponse(cmd)
		return nil
	case isPing(cmd):
		return s.proofs.ask(func() func() error {
			pong := response(cmd, nil)
			pong.Type, pong.Resource = lime.MediaPing, []byte("{}")
			return func() error { return s.out.answer(pong) }
		})
	case c.inbox.wants(lime.KindCommand):
		if !c.offer(item{kind: lime.KindCommand, session: s, envelope: cmd}) && canAnswer(cmd) {
			return s.out.answer(response(cmd, errBusy))
		}
		return nil
	}
	c.drop(DropUnwanted)
	if canAnswer(cmd) {
		return s.out.answer(response(cmd, errUnhandled))
	}
	return nil
}

func (s *session) takeResponse(cmd *lime.Command) {
	s.mu.Lock()
	asked := s.calls[cmd.ID]
	answers := asked.reply != nil && s.isAnswer(asked, cmd.From)
	if answers {
		delete(s.calls, cmd.ID)
	}
	s.mu.Unlock()
	switch {
	case answers:
		asked.reply <- cmd // which has room
	case !strings.HasPrefix(cmd.ID, pingPrefix):
		s.client.drop(DropUnasked)
	}
}

// errUnhandled is the answer to what nobody handles: L-CMD-04.
var errUnhandled = lime.NewReason(lime.CodeCommandResourceNotSupported, "This client does not serve the resource")

// errBusy is the answer to a request for which there is no room.
var errBusy = lime.NewReason(lime.CodeCommandProcessingError, "This client has too many requests; try again later")

// canAnswer tells whether a request has an answer: L-CMD-07, L-CMD-08.
func canAnswer(cmd *lime.Command) bool { return cmd.ID != "" && cmd.Method != lime.MethodObserve }

// isPing tells whether a request asks whether the client is there: L-CMD-10.
func isPing(cmd *lime.Command) bool {
	if cmd.Method != lime.MethodGet || cmd.ID == "" {
		return false
	}
	uri := strings.ToLower(cmd.URI)
	return uri == "/ping" || strings.HasPrefix(uri, "lime://") && strings.HasSuffix(uri, "/ping") &&
		strings.Count(uri, "/") == 3
}

// response answers a request, with success or a reason why not.
func response(cmd *lime.Command, reason *lime.Reason) *lime.Command {
	r := &lime.Command{ID: cmd.ID, To: sender(cmd.PP, cmd.From), Method: cmd.Method, Status: lime.CommandSuccess}
	if reason != nil {
		r.Status, r.Reason = lime.CommandFailure, reason
	}
	return r
}

// sender is whom to answer: LIME, addresses.
func sender(pp, from lime.Node) lime.Node {
	if pp.IsZero() {
		return from
	}
	return pp
}
