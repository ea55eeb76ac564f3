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

// lane coalesces calls into pipelines. It has one pipeline under way at a time:
// while that one is on the network, the next one gathers. So calls pay no
// waiting time for being gathered, and those of one identity, which always
// share a lane, are applied in the order in which they were made.
//
// In a cluster a lane stands for a range of slots, so that a master that does
// not answer holds up the lanes of its own slots only.
type lane struct {
	s     *Store
	queue chan *call
}

// run sends what is queued until the store is closed.
func (l *lane) run() {
	defer l.s.lanesDone.Done()
	batch := make([]*call, 0, l.s.cfg.Batch)
	for {
		select {
		case <-l.s.ctx.Done():
			return
		case c := <-l.queue:
			batch = append(batch[:0], c)
		}
		for more := true; more && len(batch) < cap(batch); {
			select {
			case c := <-l.queue:
				batch = append(batch, c)
			default:
				more = false
			}
		}
		l.send(batch)
		clear(batch)
	}
}

func (l *lane) send(batch []*call) {
	now := time.Now()
	live := batch[:0]
	for _, c := range batch {
		if !c.state.CompareAndSwap(waiting, sent) {
			continue
		}
		if now.After(c.deadline) {
			c.err = fmt.Errorf("waited %v to be sent: %w", l.s.cfg.Timeout, context.DeadlineExceeded)
			close(c.done)
			continue
		}
		live = append(live, c)
	}
	l.s.pipeline(l.s.ctx, live)
	l.s.metrics.observe(len(live), time.Since(now))
	for _, c := range live {
		close(c.done)
	}
}

// pipeline sends the calls in one round trip, and once more the scripts that
// the server did not know, as after its restart.
func (s *Store) pipeline(ctx context.Context, calls []*call) {
	if len(calls) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	pipe := s.client.Pipeline()
	for _, c := range calls {
		_ = pipe.Process(ctx, c.cmd) // queues only; the error is in c.cmd after Exec
	}
	_, _ = pipe.Exec(ctx) // each command has its own error

	again := pipe
	for _, c := range calls {
		if c.script == nil || !redis.HasErrorPrefix(c.cmd.Err(), "NOSCRIPT") {
			continue
		}
		args := c.cmd.Args()
		args[0], args[1] = "eval", c.script.text
		c.cmd = redis.NewCmd(ctx, args...)
		_ = again.Process(ctx, c.cmd)
	}
	if n := again.Len(); n > 0 {
		s.metrics.unknown.Add(float64(n))
		_, _ = again.Exec(ctx)
	}
}

// scriptCall makes a call of sc on one key.
func (s *Store) scriptCall(ctx context.Context, sc *script, key string, args ...any) *call {
	all := make([]any, 0, 4+len(args))
	all = append(append(all, "evalsha", sc.sha, 1, key), args...)
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
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	if err := s.submit(ctx, key, c); err != nil {
		return err
	}
	return s.wait(ctx, c)
}

func (s *Store) laneOf(key string) *lane {
	if len(s.lanes) == 1 {
		return s.lanes[0]
	}
	return s.lanes[slotOf(key)*len(s.lanes)/clusterSlots]
}
