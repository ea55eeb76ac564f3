package client

import (
	"context"
	"errors"
	"fmt"

	"limegrove/lime"
)

// errNobody is the refusal to answer a message that comes from nobody.
var errNobody = errors.New("the message has no sender to answer")

// Reply answers a message, as Publish sends one: who has sent it by Request gets answer for
// the answer, and anybody else an ordinary message. It borrows both; answer's To is not looked
// at, since it goes to the message's sender.
func (c *Client) Reply(ctx context.Context, to, answer *lime.Message) error {
	sent, err := reply(to, answer)
	if err != nil {
		return fmt.Errorf("reply to %s: %w", to.ID, err)
	}
	return c.Publish(ctx, sent)
}

// reply makes the answer to a message.
func reply(to, answer *lime.Message) (*lime.Message, error) {
	sent := *answer
	if sent.To = sender(to.PP, to.From); sent.To.IsZero() {
		return nil, errNobody
	}
	correlation := to.Metadata[lime.KeyRequestID]
	if correlation == "" {
		correlation = to.ID
	}
	sent.Metadata = with(answer.Metadata, lime.KeyResponseID, correlation)
	return &sent, nil
}

// RequestHandler handles a message and returns the content of its answer, nil for none or for
// one that Reply gives later, or an error as a MessageHandler does, which Request returns on the
// other side.
type RequestHandler func(ctx context.Context, c *Client, m *lime.Message) (*Document, error)

// HandleRequest is HandleMessage with an answer, whether the sender has asked by Request or
// not. A message that is itself an answer gets none, so that two who answer everything do not
// do so for ever.
//
// The answer is published. The next message is handled meanwhile, and what became of the answer
// is nobody's to hear: one that is not stored is counted as DropAnswer. With ReceiptsWhenHandled it is
// waited for, and the message is acknowledged when its answer is stored.
func (m *Mux) HandleRequest(mediaType string, h RequestHandler) {
	m.HandleMessage(mediaType, func(ctx context.Context, c *Client, asked *lime.Message) error {
		document, err := h(ctx, c, asked)
		if err != nil || document == nil || isAnswer(asked) {
			return err
		}
		return c.answer(ctx, asked, document)
	})
}

// isAnswer tells whether a message answers and does not ask.
func isAnswer(m *lime.Message) bool {
	_, answers := m.Metadata[lime.KeyResponseID]
	return answers && m.Metadata[lime.KeyRequestID] == ""
}

// answer publishes what a handler has returned.
func (c *Client) answer(ctx context.Context, asked *lime.Message, document *Document) error {
	sent, err := reply(asked, &lime.Message{Type: document.Type, Content: document.Value})
	if err != nil {
		return err
	}
	p, err := c.publish(ctx, sent, c.cfg.Store != nil, c.unheard(DropAnswer))
	if err != nil {
		return err
	}
	if c.cfg.Receipts != ReceiptsWhenHandled {
		return nil
	}
	if p.kept {
		return nil // the next process sends it if this one does not
	}
	<-p.done // which the client's end sees to
	return p.err
}

// takeAnswer gives a message to the Request that it answers, and tells whether there is one.
func (s *session) takeAnswer(m *lime.Message, correlation string, again bool) (taken bool, err error) {
	c := s.client
	if again {
		if c.inbox.wants(lime.KindMessage) {
			return false, nil // acknowledged in its turn
		}
		c.drop(DropDuplicate)
		if n := s.receipt(m, lime.EventReceived, nil); n != nil && c.cfg.Receipts != ReceiptsOff {
			return true, s.out.answer(n)
		}
		return true, nil
	}
	return c.requests.answered(correlation, m, s.node, func() item {
		i := item{kind: lime.KindMessage, envelope: m, session: s}
		if m.ID != "" {
			i.number = s.proofs.came()
		}
		return i
	}), nil
}
