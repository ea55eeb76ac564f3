package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Open makes what is missing, and checks what is there: a number of partitions or a
// stream with other settings than cfg's is an error that says which, and nothing is
// changed. Any number of processes may open at the same time.
//
// An error that matches [Leaderless] says that JetStream could not answer for some
// seconds, or until ctx has ended: Open may be called again, and finds what it has
// made already.
func Open(ctx context.Context, cfg Config) (*Streams, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	js, err := jetstream.New(cfg.NATS)
	if err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	s := &Streams{
		cfg: cfg, nc: cfg.NATS, js: js, suspects: newSuspects(), known: map[string]known{}, cursors: map[int]*cursor{},
	}
	if s.partitions, err = s.recordPartitions(ctx); err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	s.cfg.Partitions = s.partitions // should the record get lost
	for p := range s.partitions {
		if _, err := s.look(ctx, p); err != nil {
			return nil, fmt.Errorf("open streams: %w", err)
		}
	}
	// Last, since they can be registered once.
	if s.metrics, err = newMetrics(cfg.Metrics, s.partitions, s.sides(0)); err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	if s.replies, err = listen(cfg.NATS); err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	return s, nil
}

// errBeingMade is what a stream is between its name being taken and its being there.
var errBeingMade = errors.New("another process is about to make it")

// tryTime bounds one try to reach JetStream: a request that meets no leader is not
// always answered.
const tryTime = 3 * time.Second

// openTime bounds what Open waits for one answer: an election takes less. Whoever opens
// wants to say what it waits for when it takes longer.
const openTime = 5 * time.Second

// briefly is patiently for openTime at most, and ends at once where nobody will ever
// answer.
func (s *Streams) briefly(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	return s.patiently(ctx, func(ctx context.Context) error {
		return s.reason(try(ctx))
	})
}

// patiently calls try until it ends in something else than the absence of a leader.
func (s *Streams) patiently(ctx context.Context, try func(context.Context) error) error {
	for n := 0; ; n++ {
		once, cancel := context.WithTimeout(ctx, tryTime)
		err := try(once)
		cancel()
		if err == nil || !Leaderless(err) {
			return err
		}
		if wait(ctx, n) != nil {
			return unavailable(err)
		}
	}
}

// wait waits a little longer with each try, at most a quarter of a second, and
// returns an error when ctx ends.
func wait(ctx context.Context, try int) error {
	t := time.NewTimer(min(5*time.Millisecond<<min(try, 10), 250*time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
