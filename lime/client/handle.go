package client

import (
	"context"
	"errors"

	"limegrove/lime"
)

// handle runs the handlers until the client ends.
func (c *Client) handle() {
	defer close(c.handled)
	ctx, of := c.ctx, c.cfg.Handler.kinds()
	if of == 0 {
		return
	}
	defer c.leave(of)
	for {
		i, ok, err := c.next(ctx, of)
		if !ok || err != nil {
			return
		}
		switch e := i.envelope.(type) {
		case *lime.Message:
			c.handleMessage(ctx, i, e)
		case *lime.Notification:
			c.cfg.Handler.notifications(ctx, c, e)
		case *lime.Command:
			c.handleCommand(ctx, i, e)
		}
	}
}

func (c *Client) handleMessage(ctx context.Context, i item, m *lime.Message) {
	if c.cfg.Receipts != ReceiptsWhenHandled {
		c.acknowledge(ctx, i)
	}
	err := c.cfg.Handler.message(ctx, c, m)
	if ctx.Err() != nil {
		return // Close has cut the handler short: what it says is nobody's fault
	}
	if c.cfg.Receipts == ReceiptsWhenHandled {
		c.acknowledge(ctx, i)
	}
	c.handledItem(i)
	switch {
	case c.cfg.Receipts == ReceiptsOff:
	case err == nil:
		c.tell(ctx, i, lime.EventConsumed, nil)
	default:
		c.tell(ctx, i, lime.EventFailed, reasonOf(err, lime.CodeApplicationError, "The application could not handle the message"))
	}
}

func (c *Client) handleCommand(ctx context.Context, i item, request *lime.Command) {
	answer, err := c.cfg.Handler.command(ctx, c, request)
	if !canAnswer(request) || errors.Is(err, ErrLater) || ctx.Err() != nil {
		return
	}
	r := response(request, reasonOf(err, lime.CodeCommandProcessingError, "The command could not be processed"))
	if answer != nil && err == nil {
		r.Type, r.Resource = answer.Type, answer.Value
	}
	// The session in which it was asked: the answer is for that one's server to route. When it
	// has ended, the requester was told that nobody is there.
	_ = i.session.out.put(ctx, r)
}
