package client

import (
	"context"
	"fmt"
	"time"

	"limegrove/lime"
)

// Publication is a message that is to be stored by the server.
type Publication struct {
	id   string
	to   lime.Node
	rank int           // smaller first
	done chan struct{} // closed when err is set
	err  error
	kept bool // the store has it, whatever becomes of who waits

	// Guarded by the publications.
	text    []byte    // as it is sent for the first time; nil while it waits in the store alone
	session uint64    // in which it was sent last; 0 before, and when it is to be sent again
	sent    time.Time // last
	resends int
	stop    func() bool   // has ctx no longer matter; nil when it cannot be done
	number  uint64        // the store's; 0 when it does not have it, or is to have it on
	ready   chan struct{} // closed when there is room for it; nil when there was at once
	after   func(error)   // is told of err, under the publications' lock; nil for nobody
}

// ID returns the message's id.
func (p *Publication) ID() string { return p.id }

// Done is closed when the message is stored, or will not be sent any more.
func (p *Publication) Done() <-chan struct{} { return p.done }

// Err returns what Wait returns; nil before Done.
func (p *Publication) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Wait waits for the answer: nil when the message is stored, which is when the server
// says accepted, or its recipient that it has it; the *lime.Reason when it has failed. With
// another error, and when ctx is done first, it may be stored or not.
func (p *Publication) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
	}
	if p.kept {
		return fmt.Errorf("publish %s: %w: %w", p.id, ErrKept, context.Cause(ctx))
	}
	return fmt.Errorf("publish %s: %w", p.id, context.Cause(ctx))
}

// Publish sends a message, which it borrows, until it is stored: with the same id in this
// session and in those to come, in the order of the calls to Publish and PublishAsync. A
// message without an id gets one that nobody else has. See Publication.Wait for the error.
//
// The server knows a message by its id for a while and stores it once. After that time, 20s
// of Limegrove, one that is sent again is another; a Client that receives it knows it for
// longer.
//
// With Config.Store a message that is kept is sent whatever becomes of ctx, which then bounds
// the wait alone, and of the process: see ErrKept.
func (c *Client) Publish(ctx context.Context, m *lime.Message) error {
	p, err := c.PublishAsync(ctx, m)
	if err != nil {
		return err
	}
	if p.kept {
		return p.Wait(ctx)
	}
	<-p.done // which ctx sees to
	return p.err
}

// PublishAsync is Publish, but returns when the message has found room among the
// Config.InFlight that wait for their answer. When ctx is done the message is given up,
// also after that. With Config.Store it returns when the message is kept, or its error when there is
// no room for it.
func (c *Client) PublishAsync(ctx context.Context, m *lime.Message) (*Publication, error) {
	return c.publish(ctx, m, c.cfg.Store != nil, nil)
}

// publish is PublishAsync, with or without the store, and with somebody who is told of the end.
func (c *Client) publish(ctx context.Context, m *lime.Message, keep bool, after func(error)) (*Publication, error) {
	if err := checkDocument(m); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	p := &Publication{id: m.ID, to: m.To, rank: c.cfg.rankOf(m), done: make(chan struct{}), after: after}
	if p.id == "" {
		p.id = c.newID()
	}
	sent := *m
	sent.ID = p.id
	p.text = sent.AppendJSON(nil)
	if err := check(new(lime.Header), p.text, c.cfg.MaxSend-resentSize); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	if closing {
		return nil, fmt.Errorf("publish %s: %w", p.id, ErrClosed)
	}
	if err := c.add(ctx, p, m.Type, keep); err != nil {
		return nil, fmt.Errorf("publish %s: %w", p.id, err)
	}
	if ctx.Done() != nil && !p.kept {
		c.publications.until(ctx, p)
	}
	if s := c.online(); s != nil {
		s.out.ring()
	}
	return p, nil
}

// add puts a publication behind the others, into the store or else when there is room.
func (c *Client) add(ctx context.Context, p *Publication, mediaType string, keep bool) error {
	if err := c.publications.reserve(p); err != nil {
		return err
	}
	if keep {
		if err := c.keep(p, mediaType); err != nil {
			c.publications.finish(p, err)
			return err
		}
	}
	if err := c.publications.enqueue(p); err != nil || p.kept || p.ready == nil {
		return err
	}
	return c.publications.waitForRoom(ctx, p)
}
