package client

import (
	"context"
	"iter"

	"limegrove/lime"
)

// Messages are the messages that come, in order, from all sessions to come. They end
// with their one error: ctx's, or what has ended the client; after Close and Shutdown they
// end without one. Two loops at once share the messages, each going to one.
//
// A message is acknowledged as Config.Receipts says. What has come and was not taken waits
// in the client's queue, and when that is full at the server, or, without an id, is dropped.
func (c *Client) Messages(ctx context.Context) iter.Seq2[*lime.Message, error] {
	return iterate[*lime.Message](ctx, c, lime.KindMessage)
}

// Notifications are the notifications that come, like Messages. What comes while there is
// neither a loop nor a handler for them is dropped.
func (c *Client) Notifications(ctx context.Context) iter.Seq2[*lime.Notification, error] {
	return iterate[*lime.Notification](ctx, c, lime.KindNotification)
}

// Commands are the requests that come, like Messages; Respond answers them. What comes
// while there is neither a loop nor a handler for them is refused with reason 62. Pings are
// answered by the client.
func (c *Client) Commands(ctx context.Context) iter.Seq2[*lime.Command, error] {
	return iterate[*lime.Command](ctx, c, lime.KindCommand)
}

func iterate[E Envelope](ctx context.Context, c *Client, kind lime.Kind) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		of := kindsOf(kind)
		c.inbox.use(of)
		defer c.leave(of)
		for {
			i, ok, err := c.next(ctx, of)
			switch {
			case err != nil:
				var none E
				yield(none, err)
				return
			case !ok:
				return
			}
			late := c.cfg.Receipts == ReceiptsWhenHandled
			if kind == lime.KindMessage && !late {
				c.acknowledge(ctx, i)
			}
			more := yield(i.envelope.(E), nil)
			if kind == lime.KindMessage && late {
				c.acknowledge(ctx, i)
			}
			c.handledItem(i)
			if !more {
				return
			}
		}
	}
}

// next takes the next of some kinds, and acknowledges duplicates on the way.
func (c *Client) next(ctx context.Context, of kinds) (i item, ok bool, err error) {
	for {
		i, ok, err = c.inbox.take(ctx, of)
		if !ok || !i.again {
			return i, ok, err
		}
		c.drop(DropDuplicate)
		c.acknowledge(ctx, i)
	}
}

// leave ends the handing out of some kinds, and refuses the requests that wait.
func (c *Client) leave(of kinds) {
	for _, i := range c.inbox.leave(of) {
		c.drop(DropUnwanted)
		cmd, ok := i.envelope.(*lime.Command)
		if ok && canAnswer(cmd) && i.session.out.answer(response(cmd, errUnhandled)) != nil {
			continue // the session has ended, and the requester knows
		}
	}
}

// Respond answers a request: with the type and the resource of answer, which may be nil,
// or with the reason of err. An err that is no *lime.Reason becomes a general one, whose
// text does not tell. It does nothing about a request that has no answer.
func (c *Client) Respond(ctx context.Context, request *lime.Command, answer *Document, err error) error {
	if !canAnswer(request) {
		return nil
	}
	r := response(request, reasonOf(err, lime.CodeCommandProcessingError, "The command could not be processed"))
	if answer != nil && err == nil {
		r.Type, r.Resource = answer.Type, answer.Value
	}
	return c.Send(ctx, r)
}

// reasonOf is what the peer hears of an error; nil for none.
func reasonOf(err error, code lime.Code, text string) *lime.Reason {
	if err == nil {
		return nil
	}
	if reason := lime.AsReason(err); reason != nil {
		return reason
	}
	return lime.NewReason(code, "%s", text)
}
