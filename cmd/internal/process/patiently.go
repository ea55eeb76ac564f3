package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"limegrove/routing/stream"
)

// errAsked ends a start that was asked to end while it waited. Nothing has failed.
var errAsked = errors.New("asked to end before everything was there")

// The pauses between tries grow from the first to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// Patiently calls try until JetStream can answer it, and returns its error when that
// will not pass, as [stream.Leaderless] judges. It tells once that it waits for what,
// and /readyz tells it meanwhile. When ctx ends, so does the wait, and the command that
// returns its error exits as after a drain, unless ctx has another cause.
//
// It is for the start: try must be one that may be called again after such an error.
func (p *Process) Patiently(ctx context.Context, what string, try func(context.Context) error) error {
	pause := firstPause
	for waits := false; ; waits = true {
		err := try(ctx)
		switch {
		case err == nil && waits:
			p.Log.Info("JetStream has answered, and there are " + what)
			return nil
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return asked(ctx)
		case !stream.Leaderless(err):
			return err
		case !waits:
			p.waits.Store(&what)
			p.Log.WithError(err).Warn("JetStream cannot answer; waiting for " + what)
		}
		select {
		case <-ctx.Done():
			return asked(ctx)
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// asked is why a wait has ended before its time.
func asked(ctx context.Context) error {
	if askedToEnd(ctx) {
		return errAsked
	}
	return context.Cause(ctx)
}

// Started says that the process has all that it needs: until then it is not ready.
func (p *Process) Started() { p.started.Store(true) }

// checkStarted is a check of /readyz.
func (p *Process) checkStarted(context.Context) error {
	switch what := p.waits.Load(); {
	case p.started.Load():
		return nil
	case what != nil:
		return fmt.Errorf("JetStream cannot answer; waiting for %s", *what)
	}
	return errors.New("starting")
}
