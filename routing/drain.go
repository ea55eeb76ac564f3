package routing

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// drain ends subscriptions and waits until their callbacks have had all that the
// broker had for them. What is still missing when ctx is done is lost.
func drain(ctx context.Context, all ...*nats.Subscription) error {
	var errs []error
	var draining []chan struct{}
	for _, s := range all {
		ended := make(chan struct{})
		s.SetClosedHandler(func(string) { close(ended) })
		switch err := s.Drain(); {
		case err == nil:
			draining = append(draining, ended)
		case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrBadSubscription):
			// The whole connection has ended.
		default:
			errs = append(errs, fmt.Errorf("drain %s: %w", s.Subject, err))
		}
	}
	for _, ended := range draining {
		select {
		case <-ended:
		case <-ctx.Done():
			return errors.Join(append(errs, fmt.Errorf("drain: %w", ctx.Err()))...)
		}
	}
	return errors.Join(errs...)
}
