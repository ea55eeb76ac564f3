package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Open makes what is missing, and checks what is there: a number of partitions or a
// stream with other settings than cfg's is an error that says which, and nothing is
// changed. Any number of processes may open at the same time.
//
// While JetStream has no leader it tries again until ctx ends.
func Open(ctx context.Context, cfg Config) (*Streams, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	js, err := jetstream.New(cfg.NATS)
	if err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	s := &Streams{cfg: cfg, nc: cfg.NATS, js: js, metrics: m, cursors: map[int]*cursor{}}
	if s.partitions, err = s.recordPartitions(ctx); err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	s.names = make([]string, s.partitions)
	if _, err = s.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	if s.replies, err = listen(cfg.NATS); err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	return s, nil
}

// Refresh looks at all streams again, makes those that are gone, as [Open] does, and
// returns the partitions whose log has another name than before. A caller asks for
// it when the broker was away.
func (s *Streams) Refresh(ctx context.Context) (changed []int, err error) {
	for p := range s.partitions {
		log, err := s.ensure(ctx, s.cfg.logSettings(p))
		if err != nil {
			return changed, err
		}
		if s.setLogName(p, log.Created) {
			changed = append(changed, p)
		}
		if _, err := s.ensure(ctx, s.cfg.inboxSettings(p)); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// ensure returns the stream that has these settings, which it makes when there is
// none.
func (s *Streams) ensure(ctx context.Context, want jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	var info *jetstream.StreamInfo
	err := s.patiently(ctx, func(ctx context.Context) error {
		stream, err := s.js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			stream, err = s.js.CreateStream(ctx, want)
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			stream, err = s.js.Stream(ctx, want.Name)
		}
		if err == nil {
			info = stream.CachedInfo()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", want.Name, err)
	}
	if why := mismatch(info.Config, want); why != "" {
		return nil, fmt.Errorf("stream %s has other settings than ours: %s", want.Name, why)
	}
	return info, nil
}

// tryTime bounds one try to reach JetStream: a request that meets no leader is not
// always answered.
const tryTime = 3 * time.Second

// patiently calls try until it ends in something else than the absence of a leader.
// What it waits for it says once.
func (s *Streams) patiently(ctx context.Context, try func(context.Context) error) error {
	for n := 0; ; n++ {
		once, cancel := context.WithTimeout(ctx, tryTime)
		err := try(once)
		cancel()
		if err == nil || !isLeaderless(err) {
			return err
		}
		if s.waiting.CompareAndSwap(false, true) {
			s.cfg.Logger.WithError(err).Warn("JetStream is not ready; waiting for it")
		}
		if wait(ctx, n) != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// isLeaderless tells the errors of a JetStream that is about to have a leader, or
// enough servers.
func isLeaderless(err error) bool {
	const (
		noPeers      = 10005 // fewer servers than replicas, at the moment
		notAvailable = 10008
		offline      = 10118
	)
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch api.ErrorCode {
		case noPeers, notAvailable, offline:
			return true
		}
		return false
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrConnectionReconnecting)
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
