package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// A broker refuses a subscription by an error that names a subject when that is forbidden, and nothing when
// there are too many. Whoever has subscribed hears nothing of it, and then nothing at all. So while a broker
// refuses, it is tried: each hub in question says something on its own subject, and hears itself or is deaf. A session
// is not established then, or is ended.

// Why the broker refuses a subscription; they are labels of limegrove_routing_deaf_total.
const (
	refusedForbidden = "forbidden" // the broker does not permit it
	refusedTooMany   = "too_many"  // the connection has as many subscriptions as it may
)

const (
	// doubtfulFor is how long after a refusal each new hub is tried, at least: as long as that is the last error of the
	// connection it is, too.
	doubtfulFor = time.Minute
	// unreadyFor is how long after a refusal for want of room an edge takes no new clients.
	unreadyFor = 30 * time.Second
	// triesToHear is how often a hub is tried before it counts as deaf.
	triesToHear = 3
	// trialsPause is the least time between two trials of all hubs.
	trialsPause = time.Second
	// hearingLook is how often it is looked what was heard.
	hearingLook = 5 * time.Millisecond
)

// brokerRefusals are what is known of what the broker has refused.
type brokerRefusals struct {
	wake chan struct{} // holds one

	last, tooMany atomic.Int64 // when, as nanoseconds; 0 for never
	control       atomic.Bool  // what is told to the edge itself may be among it
}

// refusedSubscription tells whether an error of the client library says that the broker has refused a subscription,
// and why.
func refusedSubscription(err error) (why string, is bool) {
	switch {
	case errors.Is(err, nats.ErrMaxSubscriptionsExceeded):
		return refusedTooMany, true
	case errors.Is(err, nats.ErrPermissionViolation):
		return refusedForbidden, strings.Contains(err.Error(), "for Subscription")
	}
	return "", false
}

// subscriptionRefused takes such an error.
func (h *Hubs) subscriptionRefused(why string, err error) {
	now := time.Now().UnixNano()
	r := &h.refused
	r.last.Store(now)
	if why == refusedTooMany {
		r.tooMany.Store(now)
	}
	h.complaints.Warn("the broker refuses subscriptions; sessions that would hear nothing are ended", err)
	r.tryAgain()
}

// tryAgain has all hubs tried that have not been heard.
func (r *brokerRefusals) tryAgain() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// refuses tells why the broker may have refused a subscription that was just made; "" when it has not.
func (h *Hubs) refuses() string {
	if why, is := refusedSubscription(h.cfg.NATS.LastError()); is {
		return why
	}
	r := &h.refused
	last := r.last.Load()
	switch {
	case last == 0 || time.Since(time.Unix(0, last)) > doubtfulFor:
		return ""
	case r.tooMany.Load() == last:
		return refusedTooMany
	}
	return refusedForbidden
}

// Ready tells whether the broker lets the edge listen to more sessions, and to what is told to itself.
func (h *Hubs) Ready() error {
	r := &h.refused
	if r.control.Load() {
		return errors.New("the broker refuses the subscription to what is for this edge")
	}
	if at := r.tooMany.Load(); at != 0 && time.Since(time.Unix(0, at)) < unreadyFor {
		return errors.New("the broker takes no more subscriptions")
	}
	return nil
}

// deafReason is what the session of a hub is told that hears nothing.
func deafReason() *lime.Reason {
	return &lime.Reason{Code: lime.CodeSessionError, Description: "The server cannot listen for this session; try another one"}
}

// tryOne returns an error for the client when a hub hears nothing.
func (h *Hubs) tryOne(ctx context.Context, b *hub, why string) error {
	deaf, err := h.tryHubs(ctx, []*hub{b})
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if len(deaf) > 0 {
		h.metrics.deaf.WithLabelValues(why).Inc()
		return deafReason()
	}
	return nil
}

// tryHubs returns those of some hubs that hear nothing.
func (h *Hubs) tryHubs(ctx context.Context, all []*hub) (deaf []*hub, err error) {
	unsure := false
	for range triesToHear {
		lost := 0
		for _, s := range h.shards {
			lost -= s.interest.Dropped()
		}
		for _, b := range all {
			b.shard.mu.Lock()
			if b.shard.hubs.find(b.key) == b { // it has not ended meanwhile
				b.shard.unheard[b] = struct{}{}
			}
			b.shard.mu.Unlock()
			h.tellHosts(b.key, 0)
		}
		if err := h.barrier.Wait(ctx); err != nil {
			return nil, err
		}
		for _, s := range h.shards {
			lost += s.interest.Dropped()
		}
		if all, err = h.unheardOf(ctx, all); err != nil || len(all) == 0 {
			return nil, err
		}
		unsure = lost > 0 // what is missing may be among it
	}
	if unsure {
		h.refused.tryAgain()
		return nil, nil
	}
	return all, nil
}

// unheardOf returns those of some hubs that have not heard what was said before and came with what the dispatchers
// have yet to take.
func (h *Hubs) unheardOf(ctx context.Context, all []*hub) (unheard []*hub, err error) {
	look := time.NewTicker(hearingLook)
	defer look.Stop()
	for idle := 0; idle < 3; {
		unheard, idle = unheard[:0], idle+1
		for _, b := range all {
			b.shard.mu.Lock()
			if _, still := b.shard.unheard[b]; still && b.shard.hubs.find(b.key) == b {
				unheard = append(unheard, b)
				if len(b.shard.messages) > 0 {
					idle = 0
				}
			}
			b.shard.mu.Unlock()
		}
		if len(unheard) == 0 {
			return nil, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return unheard, nil
}

// watchRefusals ends the sessions of hubs that hear nothing, until ctx is done.
func (h *Hubs) watchRefusals(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.refused.wake:
		}
		// Nothing is heard of the edge itself until it is.
		h.refused.control.Store(true)
		if err := h.cfg.NATS.Publish(subject.Heard(h.cfg.Edge), nil); err != nil {
			h.metrics.drop(dropBroker)
			h.refused.control.Store(false) // it is away, and refuses again when it is back
		}
		h.endDeaf(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(trialsPause):
		}
	}
}

// endDeaf tries all hubs that have not been heard since the connection was made.
func (h *Hubs) endDeaf(ctx context.Context) {
	why := h.refuses()
	var all []*hub
	for _, s := range h.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			if !b.heard {
				all = append(all, b)
			}
		}
		s.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	deaf, err := h.tryHubs(ctx, all)
	if err != nil {
		if h.cfg.NATS.IsConnected() { // there was too much to do
			h.refused.tryAgain()
		} // else all is subscribed to again when the broker is back, and refused again
		return
	}
	for _, b := range deaf {
		b.shard.mu.Lock()
		// Also those that arrive, and have taken it for being in force; what tries the hub itself tells its client.
		members := slices.DeleteFunc(b.all(), func(m *Member) bool { return m.entry&listening != 0 })
		b.shard.mu.Unlock()
		for _, m := range members {
			h.metrics.deaf.WithLabelValues(why).Inc()
			h.end(m, deafReason())
		}
	}
}

// forgetHeard has all hubs tried again when the broker refuses something: the connection is made anew.
func (h *Hubs) forgetHeard() {
	h.refused.control.Store(false)
	for _, s := range h.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			b.heard, b.inForce = false, false
		}
		s.mu.Unlock()
	}
}

// heardItself notes that a hub's subscription is in force. The shard is locked.
func (h *hub) heardItself() {
	h.heard = true
	delete(h.shard.unheard, h)
}
