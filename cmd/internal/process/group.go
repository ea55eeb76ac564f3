package process

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// Group is the parts of a process that live at the same time.
type Group struct {
	all    errgroup.Group
	failed context.CancelCauseFunc
}

// NewGroup makes an empty group, whose failed is told when a part of it fails.
func NewGroup(failed context.CancelCauseFunc) *Group { return &Group{failed: failed} }

// Go runs a part, and returns a channel that is closed when it has ended. That its
// context was canceled is no failure.
func (g *Group) Go(what string, part func() error) (ended <-chan struct{}) {
	done := make(chan struct{})
	g.all.Go(func() error {
		defer close(done)
		err := part()
		if err == nil || errors.Is(err, context.Canceled) {
			return nil
		}
		err = fmt.Errorf("%s: %w", what, err)
		g.failed(err)
		return err
	})
	return done
}

// Wait returns when all parts have ended, with the first failure.
func (g *Group) Wait() error { return g.all.Wait() }
