package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// lookRound is the time in which all partitions are looked at, one after the other,
	// when there is no reason to. It finds what nobody has noticed.
	lookRound = time.Minute

	// lookPause is the least time between two looks at a partition, however often it is
	// suspected.
	lookPause = time.Second

	// lookTime bounds a look: a stream that has no leader is not gone.
	lookTime = 5 * time.Second

	// looksWhenGone is how often a partition is looked at of which JetStream tells that a
	// stream is deleted: it tells so before all its servers have let go of the stream.
	looksWhenGone = 2

	// looksAtOnce bounds how many partitions are looked at together.
	looksAtOnce = 8

	// complainEvery is how often it is said again that the streams cannot be kept.
	complainEvery = 30 * time.Second
)

// advisory is where JetStream tells what has become of streams: what, and of which.
const advisory = "$JS.EVENT.ADVISORY.STREAM."

// Keep makes a log or an inbox anew that was removed while processes run, as [Open] does,
// until ctx is done. Every process runs it. What was stored in the one that was removed is
// lost; the sequences of the new one are above those.
//
// remade, which may be nil, is called for each partition that has another log or inbox
// than this process knew, whoever has made it. It is called by Keep alone, which waits
// for it.
//
// The record of the partitions is made anew as well. A partition is looked at when JetStream
// tells that a stream of it was made or deleted,
// when it is suspected, when the connection was away, and once in lookRound. An error says
// that the cluster was made anew with another number of partitions: this process must not
// go on.
func (s *Streams) Keep(ctx context.Context, remade func(p int)) error {
	back := s.nc.StatusChanged(nats.CONNECTED)
	defer s.nc.RemoveStatusListener(back)
	news := make(chan *nats.Msg, 256) // what does not fit is found by the next round
	sub, err := s.nc.ChanSubscribe(advisory+"*.*", news)
	if err != nil {
		return fmt.Errorf("subscribe to news of streams: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	k := keeper{
		Streams: s, remade: remade, open: map[int]int{}, free: make([]time.Time, s.partitions),
	}
	k.turnAt = time.Now().Add(k.jittered())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-back:
			s.suspectAll()
		case m := <-news:
			k.told(strings.TrimPrefix(m.Subject, advisory))
		case <-s.suspects.wake:
		case <-timer.C:
		}
		if err := k.step(ctx); err != nil {
			return err
		}
		timer.Reset(k.rest(time.Now()))
	}
}

// keeper is what Keep knows. It is owned by one goroutine.
type keeper struct {
	*Streams
	remade func(p int)

	open   map[int]int // how often partitions are to be looked at
	free   []time.Time // when each may be looked at again
	turn   int         // whose turn it is without a reason
	turnAt time.Time
	record int       // how often the record of the partitions is to be looked at
	noted  time.Time // when it was looked at last
	said   time.Time // when it was said that something goes wrong
}

// jittered is the time until the next turn, which differs from process to process.
func (k *keeper) jittered() time.Duration {
	each := lookRound / time.Duration(k.partitions)
	return each/2 + rand.N(each)
}

// told takes what JetStream tells of a stream.
func (k *keeper) told(news string) {
	what, of, _ := strings.Cut(news, ".")
	if of == bucketStream && what == "DELETED" {
		k.record = looksWhenGone
		return
	}
	p, ok := partitionOf(of)
	if !ok || p >= k.partitions {
		return
	}
	switch what {
	case "CREATED", "DELETED", "RESTORE_COMPLETE":
		k.open[p] = looksWhenGone
	}
}

// step looks at the partitions that may be looked at now.
func (k *keeper) step(ctx context.Context) error {
	now := time.Now()
	if !now.Before(k.turnAt) {
		if k.turn == 0 {
			k.record = max(k.record, 1)
		}
		k.Suspect(k.turn)
		k.turn = (k.turn + 1) % k.partitions
		k.turnAt = now.Add(k.jittered())
	}
	k.suspects.take(k.open)
	if !k.nc.IsConnected() {
		return nil // when it is back, all are suspected
	}
	var due []int
	for p := range k.open {
		if !now.Before(k.free[p]) {
			due = append(due, p)
		}
	}
	for lot := range slices.Chunk(due, looksAtOnce) {
		k.lookAt(ctx, lot)
	}
	if k.record == 0 || time.Since(k.noted) < lookPause || ctx.Err() != nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	_, err := k.recordPartitions(limited)
	if errors.Is(err, errPartitions) {
		return err
	}
	k.noted = time.Now()
	if err == nil {
		k.record--
	}
	k.complain(ctx, err)
	return nil
}

// lookAt looks at some partitions together.
func (k *keeper) lookAt(ctx context.Context, lot []int) {
	limited, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	found := make([][]side, len(lot))
	errs := make([]error, len(lot))
	var all sync.WaitGroup
	for i, p := range lot {
		all.Go(func() { found[i], errs[i] = k.look(limited, p) })
	}
	all.Wait()
	for i, p := range lot {
		k.free[p] = time.Now().Add(lookPause)
		if !errors.Is(errs[i], ErrUnavailable) {
			k.open[p]--
		}
		if k.open[p] <= 0 {
			delete(k.open, p)
		}
		k.complain(ctx, errs[i])
		if len(found[i]) == 0 {
			continue
		}
		k.record = looksWhenGone // whoever removes one may have removed all
		if k.remade != nil {
			k.remade(p)
		}
	}
}

// complain says what goes wrong, but for what passes by itself: others say that.
func (k *keeper) complain(ctx context.Context, err error) {
	if err == nil || errors.Is(err, ErrUnavailable) || ctx.Err() != nil || time.Since(k.said) < complainEvery {
		return
	}
	k.said = time.Now()
	k.cfg.Logger.WithError(err).Warn("the log and the inbox cannot be kept as they are to be")
}

// rest is the time until there is something to look at, if nobody says so before.
func (k *keeper) rest(now time.Time) time.Duration {
	next := k.turnAt
	if k.nc.IsConnected() {
		for p := range k.open {
			if k.free[p].Before(next) {
				next = k.free[p]
			}
		}
		if again := k.noted.Add(lookPause); k.record > 0 && again.Before(next) {
			next = again
		}
	}
	return max(next.Sub(now), 0)
}
