package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// lane coalesces calls into pipelines. It has one pipeline under way at a time:
// while that one is on the network, the next one gathers. So calls pay no
// waiting time for being gathered, and those of one identity, which always
// share a lane, are applied in the order in which they were made.
//
// The library's automatic pipelining costs several times as much: see BenchmarkPipelining.
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
			l.s.metrics.failures.Inc()
			close(c.done)
			continue
		}
		live = append(live, c)
	}
	l.s.pipeline(l.s.ctx, live)
	l.s.metrics.observe(live, time.Since(now))
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
	s.relearn(ctx, calls)
}

// relearn lets the cluster client ask who has which slots when a server could
// not be reached. By itself it does so only when a server that it reached
// points elsewhere, or once in a while; meanwhile a replica has taken over.
func (s *Store) relearn(ctx context.Context, calls []*call) {
	c, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return
	}
	for _, call := range calls {
		err := call.cmd.Err()
		if err != nil && (!answered(err) || redis.HasErrorPrefix(err, "CLUSTERDOWN")) {
			c.ReloadState(ctx) // in the background, at most five times a second
			return
		}
	}
}

// answered tells whether a command's error, or none, is the server's answer.
func answered(err error) bool {
	if err == nil {
		return true
	}
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

func (s *Store) laneOf(key string) *lane {
	if len(s.lanes) == 1 {
		return s.lanes[0]
	}
	return s.lanes[slotOf(key)*len(s.lanes)/clusterSlots]
}
