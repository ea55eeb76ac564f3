package client

import (
	"context"
	"fmt"

	"limegrove/lime"
)

// prepare says in a new session what comes before everything else.
func (c *Client) prepare(ctx context.Context, s *session) error {
	c.mu.Lock()
	presence, events := c.presence, c.chosen
	c.mu.Unlock()
	if events != 0 {
		if _, err := s.request(ctx, receiptCommand(c.newID(), events)); err != nil {
			return fmt.Errorf("set /receipt: %w", err)
		}
	}
	if presence != nil {
		cmd, err := presenceCommand(c.newID(), *presence)
		if err != nil {
			return err
		}
		if _, err := s.request(ctx, cmd); err != nil {
			return fmt.Errorf("set /presence: %w", err)
		}
	}
	return nil
}

// SetPresence sets the presence of this session and of those to come.
func (c *Client) SetPresence(ctx context.Context, p lime.Presence) error {
	cmd, err := presenceCommand("", p)
	if err != nil {
		return err
	}
	c.mu.Lock()
	before := c.presence
	c.presence = &p // before it is asked for: a session that begins meanwhile has it, too
	c.mu.Unlock()
	_, err = c.Command(ctx, cmd)
	if lime.AsReason(err) != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.presence == &p {
			c.presence = before
		}
	}
	return err
}

// SetEvents chooses the events that are heard in this session and in those to come.
func (c *Client) SetEvents(ctx context.Context, events lime.Events) error {
	events = lime.EventsOf(events.List()...) // said, even if it is what nobody need say
	c.mu.Lock()
	c.chosen = events
	c.mu.Unlock()
	_, err := c.Command(ctx, receiptCommand("", events))
	return err
}

// events are those that the application has chosen.
func (c *Client) events() lime.Events {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.chosen
}

func presenceCommand(id string, p lime.Presence) (*lime.Command, error) {
	d, err := NewDocument(lime.MediaPresence, p)
	if err != nil {
		return nil, err
	}
	return &lime.Command{ID: id, Method: lime.MethodSet, URI: "/presence", Type: d.Type, Resource: d.Value}, nil
}

// receiptCommand chooses events, and accepted, which publications wait for.
func receiptCommand(id string, events lime.Events) *lime.Command {
	r := lime.Receipt{Events: lime.EventsOf(append(events.List(), lime.EventAccepted)...)}
	b, _ := r.MarshalJSON() // of names, which can always be encoded
	return &lime.Command{ID: id, Method: lime.MethodSet, URI: "/receipt", Type: lime.MediaReceipt, Resource: b}
}
