package files

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"limegrove/document"
)

// SweepInterval is the time between two sweeps of a process, less or more by half of it.
const SweepInterval = 10 * time.Minute

// maxSwept is how many files one sweep removes; what is left is for the next.
const maxSwept = 10_000

// Sweep removes files whose time is over, now and then, until ctx is done. Any number of
// processes may do it. failed is told of what could not be done, which is tried again.
func (s *Store) Sweep(ctx context.Context, failed func(error)) {
	for {
		pause := time.NewTimer(SweepInterval/2 + rand.N(SweepInterval))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		if err := s.SweepOnce(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// SweepOnce removes the files whose time is over.
func (s *Store) SweepOnce(ctx context.Context) error {
	over, err := s.over(ctx)
	if err != nil {
		return err
	}
	for _, k := range over {
		id := ID(k[strings.LastIndexByte(string(k), '.')+1:])
		if err := s.remove(ctx, id, k); err != nil {
			return err
		}
		s.metrics.swept.Inc()
	}
	return nil
}

// over returns the shares of files whose time is over.
func (s *Store) over(ctx context.Context) (keys []document.Key, err error) {
	now := s.cfg.now().UnixMilli()
	reading, enough := context.WithCancel(ctx)
	defer enough()
	whole := false
	err = s.documents.Follow(reading, func(c document.Change) {
		switch {
		case c.All, len(keys) == maxSwept:
			whole = true
			enough()
		case c.Removed || !strings.HasPrefix(string(c.Key), "own."):
		default:
			var one share
			if json.Unmarshal(c.Value, &one) != nil || one.Expires <= now {
				keys = append(keys, c.Key)
			}
		}
	})
	if err == nil && !whole {
		err = errors.Join(ctx.Err(), errors.New("the files could not be looked through"))
	}
	return keys, err
}
