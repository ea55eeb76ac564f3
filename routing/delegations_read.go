package routing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
)

// Delegations tells what identities were given. It is asked when the first session of an
// identity on this edge begins that is no guest's, and again when something may have been
// told that this edge has not heard.
type Delegations interface {
	GivenTo(ctx context.Context, target lime.Identity) ([]Delegated, error)
}

// learns tells whether there is anything to be known of the identities of sessions.
func (h *Hubs) learns() bool {
	return h.cfg.Delegations != nil || h.cfg.Directory != nil || h.cfg.Grants != nil
}

// unlearned tells whether it is not known what the identity of m was given, or who may send
// to it, and matters.
func (h *Hubs) unlearned(m *Member) bool {
	if m.guest {
		return false
	}
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return h.cfg.Delegations != nil && !m.hub.learning.has(givenKnown) || h.cfg.Directory != nil && !m.hub.learning.has(policyKnown)
}

// learn reads what the identity of m was given, and who may send to it. It blocks for a
// round trip. The subscription is in force before, so that nothing is missed in between; what
// cannot be read is read later, and until then nothing was given, and everybody may send.
func (h *Hubs) learn(ctx context.Context, m *Member) {
	if h.read(ctx, m.hub, m.who.Identity()) != nil {
		h.unread.add(m.hub, m.who.Identity())
	}
}

// read reads what is to be known of an identity. The error was told, unless ctx is done.
func (h *Hubs) read(ctx context.Context, b *hub, i lime.Identity) error {
	var policy error
	var reading sync.WaitGroup
	if h.cfg.Directory != nil {
		reading.Go(func() { policy = h.readPolicy(ctx, b, i) })
	}
	var granted error
	if h.cfg.Grants != nil {
		reading.Go(func() { granted = h.readGrants(ctx, b, i) })
	}
	var given error
	if h.cfg.Delegations != nil {
		if given = h.readDelegations(ctx, b, i); given != nil {
			h.complaints.Warn("delegations cannot be read; those who act for others are refused", given)
		}
	}
	reading.Wait()
	if policy != nil {
		h.complaints.Warn("accounts cannot be read; who may send to them is as it was known", policy)
	}
	if granted != nil {
		h.complaints.Warn("grants for rooms cannot be read; sessions keep those that they have", granted)
	}
	return errors.Join(given, policy, granted)
}

// errUnsettled says that something was told each time while it was read.
var errUnsettled = errors.New("they change faster than they are read")

// readDelegations reads what an identity was given, and again when something was told of it
// meanwhile, or lost: which of the two is newer cannot be seen of what is missing. It
// does so a few times, and is errUnsettled then.
func (h *Hubs) readDelegations(ctx context.Context, b *hub, i lime.Identity) error {
	const tries = 3
	for range tries {
		b.shard.mu.Lock()
		b.learning.set(givenAsked, true)
		news, lost := b.news, b.shard.interest.Dropped()
		b.shard.mu.Unlock()
		all, err := h.cfg.Delegations.GivenTo(ctx, i)
		if err != nil {
			h.metrics.delegationReads.WithLabelValues("error").Inc()
			return err
		}
		h.metrics.delegationReads.WithLabelValues("read").Inc()
		b.shard.mu.Lock()
		settled := b.news == news && b.shard.interest.Dropped() == lost
		if settled {
			b.learning.set(givenKnown, true)
			if len(all) > 0 || lost > 0 || b.knows() {
				given := &b.learns().given
				given.replace(all, time.Now())
				given.lost = lost
			}
		}
		b.shard.mu.Unlock()
		if settled {
			return nil
		}
	}
	return errUnsettled
}

// unread are the hubs of which something is to be read: because it has changed or could not be
// read, or because the edge was cut off from who tells of it. There is one entry for each hub
// at most.
type unread struct {
	mu   sync.Mutex
	hubs map[*hub]lime.Identity
	wake chan struct{}
}

func newUnread() *unread {
	return &unread{hubs: map[*hub]lime.Identity{}, wake: make(chan struct{}, 1)}
}

func (u *unread) add(b *hub, i lime.Identity) { u.addAll(map[*hub]lime.Identity{b: i}) }

// addAll adds them at once, so that they are read in one go.
func (u *unread) addAll(all map[*hub]lime.Identity) {
	u.mu.Lock()
	maps.Copy(u.hubs, all)
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// take empties it.
func (u *unread) take() map[*hub]lime.Identity {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := u.hubs
	u.hubs = map[*hub]lime.Identity{}
	return all
}

const (
	delegationReaders = 8
	// delegationPause is the least time between two tries for what cannot be read.
	delegationPause = time.Second
)

// doubtDelegations doubts all when NATS is away, since what is told meanwhile is lost, and
// has them read when it is back, until ctx is done. It waits for no reading.
func (h *Hubs) doubtDelegations(ctx context.Context, connection <-chan nats.Status) {
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-connection:
			h.doubtAll(now == nats.CONNECTED)
		}
	}
}

// doubtAll has them read, too, if that can be.
func (h *Hubs) doubtAll(read bool) {
	all := map[*hub]lime.Identity{}
	for _, s := range h.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			if !b.learning.has(givenAsked | policyAsked | grantsAsked) {
				continue
			}
			b.doubt()
			all[b] = b.identity()
		}
		s.mu.Unlock()
	}
	if read && len(all) > 0 {
		h.unread.addAll(all)
	}
}

// followDelegations reads what is to be read, until ctx is done.
func (h *Hubs) followDelegations(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.unread.wake:
		}
		h.readUnread(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(delegationPause):
		}
	}
}

// readUnread reads once what is to be read, first for those who were given something: they
// may do nothing until then. What cannot be read is to be read again.
func (h *Hubs) readUnread(ctx context.Context) {
	type job struct {
		b *hub
		i lime.Identity
	}
	jobs := make(chan job)
	var all sync.WaitGroup
	for range delegationReaders {
		all.Go(func() {
			for j := range jobs {
				one, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
				if err := h.read(one, j.b, j.i); err != nil && ctx.Err() == nil {
					h.unread.add(j.b, j.i)
				}
				cancel()
			}
		})
	}
	var first, others []job
	for b, i := range h.unread.take() {
		switch live, given := h.live(b); {
		case i.IsZero() || !live:
		case given:
			first = append(first, job{b, i})
		default:
			others = append(others, job{b, i})
		}
	}
	for _, j := range slices.Concat(first, others) {
		jobs <- j
	}
	close(jobs)
	all.Wait()
}

// live tells whether a hub has not ended, and whether its identity was given something when
// that was last known.
func (h *Hubs) live(b *hub) (live, given bool) {
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	return b.shard.hubs.find(b.key) == b, b.known().given.count > 0
}
