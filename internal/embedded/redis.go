package embedded

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// clockStep is how often time passes in the embedded Redis: a key may expire that
// much early. A step looks at every key, so shorter costs CPU.
const clockStep = 500 * time.Millisecond

// RedisConfig is where the embedded Redis listens.
type RedisConfig struct {
	// Port is the preferred port on 127.0.0.1. Default 6379; negative takes any.
	Port int
}

// Redis is a running Redis in memory.
type Redis struct {
	mini *miniredis.Miniredis
	stop sync.Once
	quit chan struct{}
	done chan struct{}
}

// StartRedis starts the server. In a miniredis no time passes by itself, so a
// goroutine advances it by the real clock until Shutdown.
func StartRedis(cfg RedisConfig) (*Redis, error) {
	port := cfg.Port
	if port == 0 {
		port = 6379
	}
	mini := miniredis.NewMiniRedis()
	err := mini.StartAddr(fmt.Sprintf("127.0.0.1:%d", max(port, 0)))
	if err != nil && port > 0 {
		err = mini.StartAddr("127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("start embedded Redis: %w", err)
	}
	r := &Redis{mini: mini, quit: make(chan struct{}), done: make(chan struct{})}
	go r.runClock()
	return r, nil
}

// URL is where clients connect, in this process or another on this machine.
func (r *Redis) URL() string { return "redis://" + r.mini.Addr() }

// Shutdown ends the server and what it held. It may be called twice.
func (r *Redis) Shutdown() {
	r.stop.Do(func() {
		close(r.quit)
		<-r.done
		r.mini.Close()
	})
}

func (r *Redis) runClock() {
	defer close(r.done)
	tick := time.NewTicker(clockStep)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-r.quit:
			return
		case now := <-tick.C:
			r.mini.FastForward(now.Sub(last))
			last = now
		}
	}
}
