package presence

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// call is one command on its way through a lane.
type call struct {
	cmd      redis.Cmder
	script   *script // which cmd runs; nil for a plain command
	deadline time.Time
	state    atomic.Int32
	done     chan struct{} // closed when cmd has its result, or err is set
	err      error         // why cmd was not sent; read after done
}

// States of a call. Whoever moves it from waiting decides its fate.
const (
	waiting int32 = iota
	sent
	abandoned // its caller's context ended before it was sent: nothing happened
)

// scriptCall makes a call of sc on key. The first of args are the further keys
// that sc has, which share key's hash tag.
func (s *Store) scriptCall(ctx context.Context, sc *script, key string, args ...any) *call {
	all := make([]any, 0, 4+len(args))
	all = append(append(all, "evalsha", sc.sha, sc.keys, key), args...)
	return s.newCall(redis.NewCmd(ctx, all...), sc)
}

func (s *Store) newCall(cmd redis.Cmder, sc *script) *call {
	return &call{
		cmd: cmd, script: sc,
		deadline: time.Now().Add(s.cfg.Timeout),
		done:     make(chan struct{}),
	}
}

// submit queues c, whose key is key, and waits while the queue is full.
func (s *Store) submit(ctx context.Context, key string, c *call) error {
	l := s.laneOf(key)
	select {
	case l.queue <- c:
		return nil
	default:
	}
	t := time.NewTimer(s.cfg.Timeout)
	defer t.Stop()
	select {
	case l.queue <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return ErrClosed
	case <-t.C:
		return fmt.Errorf("waited %v for room to queue: %w", s.cfg.Timeout, context.DeadlineExceeded)
	}
}

// wait returns when c has its result. When ctx ends first, c is not sent if it
// was not yet, else what becomes of it is unknown; other calls are not touched.
func (s *Store) wait(ctx context.Context, c *call) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		c.state.CompareAndSwap(waiting, abandoned)
		return ctx.Err()
	case <-s.ctx.Done():
		select {
		case <-c.done:
		default:
			c.state.CompareAndSwap(waiting, abandoned)
			return ErrClosed
		}
	}
	if c.err != nil {
		return c.err
	}
	if err := c.cmd.Err(); err != nil {
		if s.ctx.Err() != nil {
			return ErrClosed
		}
		return err
	}
	return nil
}

// do submits c and waits for it.
func (s *Store) do(ctx context.Context, key string, c *call) error {
	if err := s.begin(ctx, key, c); err != nil {
		return err
	}
	return s.wait(ctx, c)
}

// begin submits c, unless it is too late for that.
func (s *Store) begin(ctx context.Context, key string, c *call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	return s.submit(ctx, key, c)
}

// doAll submits all calls, each with its key, and waits for every one that was
// submitted, also beside an error, which is the first.
func (s *Store) doAll(ctx context.Context, keys []string, calls []*call) error {
	err := ctx.Err()
	if s.ctx.Err() != nil {
		err = ErrClosed
	}
	n := 0
	for ; n < len(calls) && err == nil; n++ {
		if err = s.submit(ctx, keys[n], calls[n]); err != nil {
			break
		}
	}
	for _, c := range calls[:n] {
		if e := s.wait(ctx, c); e != nil && err == nil {
			err = e
		}
	}
	return err
}
