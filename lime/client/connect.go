package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// run follows each session by another until the client ends. It begins with the first if there
// is none.
func (c *Client) run(s *session) {
	rounds := 0
	if s == nil {
		var cause error
		if s, cause = c.reconnect(&rounds, nil); s == nil {
			c.finish(cause)
		}
	}
	for s != nil {
		began := time.Now()
		s.await()
		c.exit()
		cause := s.why()
		if time.Since(began) >= c.cfg.Backoff.Last {
			rounds = 0
		}
		s, cause = c.reconnect(&rounds, cause)
		if s == nil {
			c.finish(cause)
		}
	}
}

// reconnect begins another session, in as many rounds as it takes. It returns why there
// is none.
func (c *Client) reconnect(rounds *int, cause error) (*session, error) {
	for {
		if err := c.over(cause, *rounds); err != nil {
			return nil, err
		}
		var least time.Duration
		var refused *HTTPError
		if errors.As(cause, &refused) {
			least = min(refused.RetryAfter, c.cfg.Backoff.Last)
		}
		pause := max(c.cfg.Backoff.pause(*rounds), least)
		select {
		case <-c.hurry: // it was for a pause before
		default:
		}
		c.is(Status{State: StateWaiting, Round: *rounds, Pause: pause, Err: cause})
		sleep(c.ctx, nil, least)
		sleep(c.ctx, c.hurry, pause-least)
		*rounds++ // until a session has lived for a while
		s, err := c.round(c.ctx, *rounds)
		if err == nil {
			return s, nil
		}
		cause = err
	}
}

// over tells why no other round is to be begun; nil when one is.
func (c *Client) over(cause error, rounds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended != nil:
		return c.ended
	case c.closing: // and the server has said that it is finished
		return ErrClosed
	case isFinal(cause), c.cfg.Backoff.exhausted(rounds):
		return cause
	}
	return nil
}

// round tries each server once, beginning with the one after that of the last session.
func (c *Client) round(ctx context.Context, rounds int) (*session, error) {
	var all []error
	for range c.servers {
		a := c.servers[c.nextTry%len(c.servers)]
		c.nextTry++
		c.is(Status{State: StateConnecting, Server: a.text, Round: rounds, Err: errors.Join(all...)})
		s, err := c.try(ctx, a)
		if err == nil {
			return s, nil
		}
		all = append(all, fmt.Errorf("%s: %w", a.text, err))
		if isFinal(err) || ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(all...)
}

// errSlow is the end of a try that takes too long.
var errSlow = errors.New("not within ConnectTimeout")

// try begins a session with a server.
func (c *Client) try(ctx context.Context, a address) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.ConnectTimeout, errSlow)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)() // Dial's, too, ends with Close
	a, err := c.cfg.viaProxy(a)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	w, err := c.open(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	node := c.Node()
	established, err := c.login(ctx, w, a, node)
	if err != nil {
		w.conn.Close()
		return nil, err
	}
	c.sessions++
	s := c.begin(w, a, established, node)
	if err := c.prepare(ctx, s); err != nil {
		s.end(err, farewellTo(errors.Join(err, ErrClosed)))
		s.await()
		return nil, err
	}
	if !c.enter(s) {
		s.await()
		return nil, ErrClosed
	}
	return s, nil
}

// enter lets everybody send in a session that was prepared.
func (c *Client) enter(s *session) bool {
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		s.end(ErrClosed, farewellTo(ErrClosed))
		return false
	}
	c.node, c.session = s.node, s
	c.tellLocked()
	c.mu.Unlock()
	c.duplicates.resume()
	c.is(Status{State: StateOnline, Server: s.address})
	s.open.Store(true)
	s.out.ring()
	return true
}

// exit forgets the session, which has ended.
func (c *Client) exit() {
	c.duplicates.pause()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = nil
	c.tellLocked()
}

// finish ends everything that waits for a session.
func (c *Client) finish(cause error) {
	c.mu.Lock()
	c.endLocked(cause)
	cause = c.ended
	c.mu.Unlock()
	c.inbox.close(cause, errors.Is(cause, ErrClosed))
	c.publications.close(cause)
	c.requests.close(cause)
	c.tendStore()
	c.is(Status{State: StateEnded, Err: cause})
}

// Retry ends the pause before the next round of tries: for a program that has a reason to believe that there is a network
// again, since its user or its system says so. It leaves a server alone that wants to be (HTTPError.RetryAfter), and
// does nothing while there is a session or a try.
func (c *Client) Retry() {
	select {
	case c.hurry <- struct{}{}:
	default:
	}
}

// sleep waits for a time, but for ctx, and for hurry, which may be nil.
func sleep(ctx context.Context, hurry <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hurry:
	case <-ctx.Done():
	}
}
