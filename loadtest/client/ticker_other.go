//go:build !linux

package client

import (
	"os"
	"sync"
	"time"
)

// Ticker wakes somebody up, as exactly as the runtime's timers do.
type Ticker struct {
	timer *time.Timer
	ended chan struct{}
	end   sync.Once
}

// NewTicker makes a ticker that does not tick yet.
func NewTicker() (*Ticker, error) {
	t := &Ticker{timer: time.NewTimer(time.Hour), ended: make(chan struct{})}
	t.timer.Stop()
	return t, nil
}

// Set has it tick once, after a time that is positive, instead of whenever it would have.
func (t *Ticker) Set(after time.Duration) error {
	t.timer.Reset(after)
	return nil
}

// Wait waits for the next tick, or returns at once when one has passed. The error matches
// os.ErrClosed after Close.
func (t *Ticker) Wait() error {
	select {
	case <-t.timer.C:
		return nil
	case <-t.ended:
		return os.ErrClosed
	}
}

// Close ends a Wait that is under way.
func (t *Ticker) Close() error {
	t.end.Do(func() {
		t.timer.Stop()
		close(t.ended)
	})
	return nil
}
