package client

import (
	"context"
	"errors"
	"fmt"

	"limegrove/lime"
)

// Shutdown ends the client politely: no more is handed out, the handler that runs may
// finish and send, publications are answered, those that the Store has only while there is a
// session, and the session is finished with the server.
// When ctx is done first, the rest is cut off as by Close, and ctx's error returned; when
// the session is lost before the server has said finished, ErrLost. A handler must not call
// it: it would wait for itself. It may be called twice.
func (c *Client) Shutdown(ctx context.Context) error {
	err := c.shutdown(ctx)
	c.Close()
	if err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

func (c *Client) shutdown(ctx context.Context) error {
	c.inbox.close(ErrClosed, true)
	select {
	case <-c.handled:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	if err := c.settle(ctx); err != nil {
		return err
	}
	s := c.online()
	if s == nil {
		return nil
	}
	if err := s.out.settle(ctx); err != nil {
		return err
	}
	s.out.finish(s.id)
	select {
	case <-s.done:
		var word *SessionError
		if cause := s.why(); !errors.As(cause, &word) || word.State != lime.StateFinished {
			return s.lost()
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// settle waits until no publication is left, or those alone that the store has and that there is no
// session for. It returns ErrLost when some end without an answer, since there will be no other session.
func (c *Client) settle(ctx context.Context) error {
	for waited := false; ; waited = true {
		c.mu.Lock()
		online, turned := c.session != nil, c.changed
		c.mu.Unlock()
		left, changed, cut := c.publications.left(!online)
		switch {
		case left == 0 && waited && cut:
			return fmt.Errorf("%w: publications have no answer", ErrLost)
		case left == 0:
			return nil
		}
		select {
		case <-changed:
		case <-turned:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
