package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"
)

// clusterLanes is how many lanes share the slots of a cluster: enough that most
// belong to one master alone, few enough that pipelines get long.
const clusterLanes = 16

// Store reads and changes registrations and leases in Redis. Its methods may
// be called by any number of goroutines. Each returns after at most twice
// Config.Timeout for each step that it waits for, whether Redis answers or
// not.
type Store struct {
	// Set by Open and not changed.
	cfg       Config
	log       logrus.FieldLogger
	client    redis.UniversalClient
	lanes     []*lane
	witnesses []string // one tag for each lane, whose slot is in that lane
	metrics   *metrics
	live      liveEdges

	ctx       context.Context // done when the store is closed
	closed    context.CancelFunc
	closeOnce sync.Once
	closeErr  error
	lanesDone sync.WaitGroup
}

// Open checks cfg and returns a Store. It does not wait for Redis, which may
// be away: each call finds out by itself.
func Open(cfg Config) (*Store, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, fmt.Errorf("open presence: %w", err)
	}
	client, cluster, err := dial(cfg.URL, cfg.Timeout)
	if err != nil {
		return nil, fmt.Errorf("open presence: %w", err)
	}
	s := &Store{cfg: cfg, log: cfg.Logger, client: client}
	n := 1
	if cluster {
		n = clusterLanes
	}
	for range n {
		s.lanes = append(s.lanes, &lane{s: s, queue: make(chan *call, cfg.Queue)})
	}
	if s.metrics, err = newMetrics(cfg.Metrics, s.waiting); err != nil {
		return nil, errors.Join(fmt.Errorf("open presence: %w", err), client.Close())
	}
	s.ctx, s.closed = context.WithCancel(context.Background())
	s.witnesses = witnessTags(n)
	for _, l := range s.lanes {
		s.lanesDone.Add(1)
		go l.run()
	}
	return s, nil
}

// waiting is how many calls wait to be sent.
func (s *Store) waiting() (n int) {
	for _, l := range s.lanes {
		n += len(l.queue)
	}
	return n
}

// Close ends the calls under way with ErrClosed and frees the connections. It
// may be called twice.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.closed()
		s.lanesDone.Wait()
		s.closeErr = s.client.Close()
		s.metrics.close()
	})
	return s.closeErr
}
