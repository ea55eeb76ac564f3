package client

import (
	"context"
	"errors"
	"fmt"

	"limegrove/lime"
)

// Send sends an envelope, which it borrows, and waits for no answer: it returns when the
// envelope is queued behind those before it. It waits while there is no session, and while
// the queue is full. What is queued and not written when a session is lost is lost with it;
// for messages that must arrive see Publish.
//
// An envelope that would cost the session is refused: with lime.ErrMalformed if its
// content or resource is no JSON, with ErrTooLong, or if it is none of the three kinds.
func (c *Client) Send(ctx context.Context, e Envelope) error {
	for {
		s, err := c.await(ctx)
		if err == nil {
			err = s.out.put(ctx, e)
			if errors.Is(err, ErrLost) {
				continue // it was not queued: on to the next session
			}
		}
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		return nil
	}
}

// Command sends a request, which it borrows, and returns the response. A request without
// an id gets one. The error is the *lime.Reason of a failure, ErrLost when the session ends
// before the response has come, or ctx's; a request is never sent twice. observe, which
// nobody answers, is for Send.
func (c *Client) Command(ctx context.Context, request *lime.Command) (*lime.Command, error) {
	s, err := c.await(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", request.Method, request.URI, err)
	}
	asked := *request
	if asked.ID == "" {
		asked.ID = c.newID()
	}
	response, err := s.request(ctx, &asked)
	if err != nil {
		return response, fmt.Errorf("%s %s: %w", request.Method, request.URI, err)
	}
	return response, nil
}

// call is a request that waits for its response.
type call struct {
	to    lime.Node // zero for the server
	reply chan *lime.Command
}

// isAnswer tells whether a response is from who was asked, or from the server, which answers
// for those who are away. Ids can be guessed by who has seen one, and anybody may send a
// response with any id.
func (s *session) isAnswer(c call, from lime.Node) bool {
	switch who := c.to.WithDefaults(s.node.Domain).Identity; {
	case isServer(from), from.Identity.EqualFold(s.server.Identity), from.Identity.EqualFold(s.node.Identity):
		return true
	case c.to.IsZero():
		return false
	case from.Identity.EqualFold(who):
		return true
	default: // the member of a group, who is asked by the node that its messages come from
		_, ofGroup := lime.OfGroups(who.Domain)
		member, err := lime.ParseGroupSender(c.to.Instance)
		return ofGroup && err == nil && from.Identity.EqualFold(member)
	}
}

// isServer tells whether an envelope comes from the server itself.
func isServer(from lime.Node) bool {
	return from.IsZero() || from.Name == "" || lime.IsPostmaster(from.Name)
}

// request is Command in one session.
func (s *session) request(ctx context.Context, cmd *lime.Command) (*lime.Command, error) {
	reply := make(chan *lime.Command, 1)
	s.mu.Lock()
	if s.calls[cmd.ID].reply != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: %q", ErrID, cmd.ID)
	}
	s.calls[cmd.ID] = call{cmd.To, reply}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls[cmd.ID].reply == reply {
			delete(s.calls, cmd.ID)
		}
	}()
	if err := s.out.put(ctx, cmd); err != nil {
		return nil, err
	}
	select {
	case r := <-reply:
		return judge(r)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.done:
	}
	select {
	case r := <-reply: // it came before the end
		return judge(r)
	default:
		return nil, s.lost()
	}
}

// judge makes an error of a failure.
func judge(r *lime.Command) (*lime.Command, error) {
	switch {
	case r.Status == lime.CommandSuccess:
		return r, nil
	case r.Reason == nil:
		return r, lime.NewReason(lime.CodeGeneralError, "The server gave no reason")
	}
	return r, r.Reason
}
