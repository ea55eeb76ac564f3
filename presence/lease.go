package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// PutLease writes l and its witnesses once. An edge calls it before its first
// Register, so that nobody takes its registrations for those of a dead edge;
// then it lets KeepLease renew it.
func (s *Store) PutLease(ctx context.Context, l Lease) error {
	value, err := l.value()
	if err != nil {
		return err
	}
	s.metrics.lease.begins()
	if _, err := s.renew(ctx, l.Edge, value, s.newWitnesses()); err != nil {
		return fmt.Errorf("lease of %s: %w", l.Edge, err)
	}
	return nil
}

// KeepLease renews l until ctx is done, then removes it and returns nil, or
// the error of removing it. While Redis is away it goes on trying. Whenever it
// finds the lease missing, after a flush or a long pause, it makes it again at
// once and calls lost, so that the owner registers all its sessions again; the
// same when a single Redis of a cluster has lost its part. It does not call
// lost for a lease that PutLease has just made, but for the first that it makes
// itself. Calls of lost never overlap, and their context ends with ctx. The
// error tells of a bad Lease or a closed Store.
func (s *Store) KeepLease(ctx context.Context, l Lease, lost func(context.Context)) error {
	value, err := l.value()
	if err != nil {
		return err
	}
	s.metrics.lease.begins()
	k := keeper{s: s, edge: l.Edge, value: value, lost: make(chan struct{}, 1), witnesses: s.newWitnesses()}
	var owner sync.WaitGroup
	owner.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-k.lost:
				lost(ctx)
			}
		}
	})
	err = k.run(ctx)
	if err == nil {
		owner.Wait() // what lost registers must not outlive the lease
		s.metrics.lease.ends()
		err = s.dropLease(ctx, l.Edge)
	}
	if err != nil {
		return fmt.Errorf("keep lease of %s: %w", l.Edge, err)
	}
	return nil
}

// keeper renews one lease.
type keeper struct {
	s     *Store
	edge  EdgeID
	value string
	lost  chan struct{} // holds one when the owner is to register again
	away  bool          // the last attempt failed

	witnesses *witnesses
}

// run returns nil when ctx is done.
func (k *keeper) run(ctx context.Context) error {
	backoff := k.s.cfg.LeaseEvery / 32
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.s.ctx.Done():
			return ErrClosed
		case <-wait.C:
		}
		made, err := k.s.renew(ctx, k.edge, k.value, k.witnesses)
		if ctx.Err() != nil {
			return nil
		}
		if made {
			k.s.metrics.lost.Inc()
			select {
			case k.lost <- struct{}{}:
			default: // one is due already
			}
		}
		k.tell(err)
		if err == nil {
			backoff = k.s.cfg.LeaseEvery / 32
			wait.Reset(k.s.cfg.LeaseEvery)
			continue
		}
		wait.Reset(backoff/2 + rand.N(backoff/2+1))
		backoff = min(2*backoff, k.s.cfg.LeaseEvery)
	}
}

// tell logs a change between being able and being unable to renew.
func (k *keeper) tell(err error) {
	log := k.s.log.WithField("edge", k.edge)
	switch {
	case err != nil && !k.away:
		log.WithError(err).Warn("cannot renew the lease, trying on")
	case err == nil && k.away:
		log.Info("renewing the lease again")
	}
	k.away = err != nil
}

// renew makes the lease and its witnesses live for another LeaseTTL. It tells
// whether one of them was missing and was made, or may have been, also beside an error.
func (s *Store) renew(ctx context.Context, e EdgeID, value string, known *witnesses) (made bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	// On its own connection, so that it does not wait behind other calls.
	set := redis.SetArgs{Mode: "XX", TTL: s.cfg.LeaseTTL}
	err = s.client.SetArgs(ctx, leaseKey(e), value, set).Err()
	if errors.Is(err, redis.Nil) {
		made = true
		err = s.client.Set(ctx, leaseKey(e), value, s.cfg.LeaseTTL).Err()
	}
	if err != nil {
		s.metrics.failures.Inc()
		return made, err
	}
	missing, err := s.witness(ctx, e, known)
	if err == nil {
		s.metrics.lease.renews()
	}
	return made || missing, err
}

// dropLease removes the lease of e after the end of ctx.
func (s *Store) dropLease(ctx context.Context, e EdgeID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	pipe := s.client.Pipeline()
	pipe.Del(ctx, leaseKey(e))
	for _, tag := range s.witnesses {
		pipe.Del(ctx, witnessKey(e, tag))
	}
	_, err := pipe.Exec(ctx)
	return err
}

// LeaseLeft returns how long the lease of e lives if nobody renews it; 0 means
// that there is none.
func (s *Store) LeaseLeft(ctx context.Context, e EdgeID) (time.Duration, error) {
	if err := e.check(); err != nil {
		return 0, err
	}
	key := leaseKey(e)
	cmd := redis.NewDurationCmd(ctx, time.Millisecond, "pttl", key)
	if err := s.do(ctx, key, s.newCall(cmd, nil)); err != nil {
		return 0, fmt.Errorf("lease of %s: %w", e, err)
	}
	if cmd.Val() < 0 { // there is no key
		return 0, nil
	}
	return max(cmd.Val(), time.Millisecond), nil // PTTL rounds down
}

// value is what is stored under the lease's key, for people to read.
func (l Lease) value() (string, error) {
	if err := l.Edge.check(); err != nil {
		return "", err
	}
	b, err := json.Marshal(l)
	return string(b), err
}
