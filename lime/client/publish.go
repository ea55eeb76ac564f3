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
	text []byte        // as it is sent for the first time
	done chan struct{} // closed when err is set
	err  error

	// Guarded by the publications.
	session uint64    // in which it was sent last; 0 before, and when it is to be sent again
	sent    time.Time // last
	resends int
	stop    func() bool   // has ctx no longer matter; nil when it cannot be done
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
		return fmt.Errorf("publish %s: %w", p.id, context.Cause(ctx))
	}
}

// Publish sends a message, which it borrows, until it is stored: with the same id in this
// session and in those to come, in the order of the calls to Publish and PublishAsync. A
// message without an id gets one that nobody else has. See Publication.Wait for the error.
//
// The server knows a message by its id for a while and stores it once. After that time, 20s
// of Limegrove, one that is sent again is another; a Client that receives it knows it for
// longer.
func (c *Client) Publish(ctx context.Context, m *lime.Message) error {
	p, err := c.PublishAsync(ctx, m)
	if err != nil {
		return err
	}
	<-p.done // which ctx sees to
	return p.err
}

// PublishAsync is Publish, but returns when the message has found room among the
// Config.InFlight that wait for their answer. When ctx is done the message is given up,
// also after that.
func (c *Client) PublishAsync(ctx context.Context, m *lime.Message) (*Publication, error) {
	return c.publish(ctx, m, nil)
}

// publish is PublishAsync, with somebody who is told of the end.
func (c *Client) publish(ctx context.Context, m *lime.Message, after func(error)) (*Publication, error) {
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
	if err := c.publications.add(ctx, p); err != nil {
		return nil, fmt.Errorf("publish %s: %w", p.id, err)
	}
	if ctx.Done() != nil {
		c.publications.until(ctx, p)
	}
	if s := c.online(); s != nil {
		s.out.ring()
	}
	return p, nil
}
