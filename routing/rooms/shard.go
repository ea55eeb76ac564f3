package rooms

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/prepared"
)

const (
	// maxHeld is how many messages a shard hands out before it lets go of its lock, and
	// maxCopies of how many copies there is no further one: whoever enters, leaves or has room
	// again waits for the lock, in a loop that has others to serve.
	maxHeld, maxCopies = 256, 1 << 15

	// maxTurn is how often it takes the lock again while more waits, before it writes. What
	// goes to a socket in one write costs the edge a small part of what one write each does.
	maxTurn = 4

	// crowd is to how many sessions a turn has written after which the shard rests: twice as
	// long as that took, and maxRest at most. What comes meanwhile is gathered, so that a
	// room that hears much costs one write a session for several messages. The first one after a
	// while waits for nothing.
	crowd   = 64
	maxRest = 10 * time.Millisecond
)

// shard is a part of an edge's rooms: the channel that their subscriptions share and the
// goroutine that reads it. One room is always in the same shard, which keeps in order what
// is published to it.
type shard struct {
	rooms    *Rooms
	messages chan *nats.Msg

	mu     sync.Mutex
	halls  map[hallKey]*hall
	shapes map[shapeKey]*shape
	of     map[*nats.Subscription]listener

	audiences map[roomKey]*audience
	restless  []*audience // something is new to them

	// Owned by the goroutine.
	heard     []*Seat     // given something this turn
	gathering []*hall     // for which something is gathered; some may be there twice
	spares    []*gathered // empty
	copies    int         // how many are made under the lock
	header    lime.Header // of what may be traced
}

func newShard(r *Rooms) *shard {
	return &shard{
		rooms: r, messages: make(chan *nats.Msg, r.cfg.Backlog),
		halls: map[hallKey]*hall{}, shapes: map[shapeKey]*shape{}, of: map[*nats.Subscription]listener{},
		audiences: map[roomKey]*audience{},
	}
}

// run hands out what NATS brings, in order, until ctx is done. What one turn has for a
// session leaves in one write.
func (s *shard) run(ctx context.Context) {
	rest := time.NewTimer(maxRest)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-s.messages:
			began := time.Now()
			written := s.turn(msg)
			if written < crowd {
				continue
			}
			rest.Reset(restAfter(time.Since(began)))
			select {
			case <-ctx.Done():
				return
			case <-rest.C:
			}
		}
	}
}

// restAfter is how long a shard gathers what comes after a turn that has written to a crowd.
func restAfter(turn time.Duration) time.Duration {
	return min(2*turn, maxRest)
}

// turn hands out a message, and what waits behind it. It returns how many it wrote to.
func (s *shard) turn(msg *nats.Msg) (written int) {
	s.hold(msg)
more:
	for n := 1; n < maxTurn; n++ {
		select {
		case msg := <-s.messages:
			s.hold(msg)
		default:
			break more
		}
	}
	s.mu.Lock()
	for _, seat := range s.heard {
		seat.heard = false
	}
	s.mu.Unlock()
	for i, seat := range s.heard {
		seat.occupant.Flush()
		s.heard[i] = nil
	}
	written = len(s.heard)
	s.heard = s.heard[:0]
	return written
}

// hold queues a message, and what waits behind it, for as long as the lock may be held.
func (s *shard) hold(msg *nats.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.handOutAll()
	s.copies = 0
	s.hear(msg)
	for n := 1; n < maxHeld && s.copies < maxCopies; n++ {
		select {
		case msg := <-s.messages:
			s.hear(msg)
		default:
			return
		}
	}
}

// hear takes one message, unless whom it is for has left. The shard is locked.
func (s *shard) hear(msg *nats.Msg) {
	if l := s.of[msg.Sub]; l != nil {
		l.hear(msg)
	}
}

// toFlush has what was queued for a seat written when the turn ends. The shard is locked by
// its goroutine.
func (s *shard) toFlush(seat *Seat) {
	if !seat.heard {
		seat.heard = true
		s.heard = append(s.heard, seat)
	}
}

// hand queues an envelope of a run that comes again where there is no room now. It tells whether there
// was. The shard is locked.
func (s *shard) hand(seat *Seat, r *prepared.Run, i int) bool {
	n, _ := seat.occupant.Hear(seat, r, i, i+1)
	return n == 1
}

// reasonOf is why an envelope was not heard.
func reasonOf(err error) dropReason {
	if errors.Is(err, errQueueFull) {
		return dropQueueFull
	}
	return dropClosed
}

// errQueueFull is matched by every reason of its code, and so by routing's ErrQueueFull.
var errQueueFull error = &lime.Reason{Code: lime.CodeDispatchError}

// brokerError takes what goes wrong behind the client library's back. That a shard's
// channel was full it tells once for a subscription until there is room again.
func (r *Rooms) brokerError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if !errors.Is(err, nats.ErrSlowConsumer) || sub == nil {
		r.warn.Warn("NATS reports an error", err)
		return
	}
	for _, s := range r.shards {
		s.mu.Lock()
		s.countLost(sub)
		s.mu.Unlock()
	}
	select {
	case r.overloaded <- struct{}{}:
	default:
	}
}
