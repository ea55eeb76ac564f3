package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"limegrove/lime"
	"limegrove/presence"
)

// Attach finds a session its place: the hub of its identity, with its subscription
// in force, and its registration, or at least the wish to have one while Redis is
// away. It blocks for a round trip or two. Nothing is delivered before Activate.
//
// A *lime.Reason among the errors is for the session: an address that cannot be
// served, or a node that is taken.
func (h *Hubs) Attach(ctx context.Context, a Arrival, to Recipient) (*Member, error) {
	return h.attach(ctx, a, to, false)
}

// AttachUnlisted finds a place for who sends as the authority of its node's domain, hears what
// becomes of that, and is nobody's session: Redis and its neighbours do not know of it, and nothing is
// ever stored for it. It sets no presence. Its node is of this process alone.
func (h *Hubs) AttachUnlisted(ctx context.Context, node lime.Node, to Recipient) (*Member, error) {
	return h.attach(ctx, Arrival{Node: node, Session: node.Instance, Role: lime.RoleAuthority}, to, true)
}

func (h *Hubs) attach(ctx context.Context, a Arrival, to Recipient, unlisted bool) (*Member, error) {
	who, key, ok := h.named(a.Node, a.Session, a.Text)
	if !ok {
		return nil, &lime.Reason{Code: lime.CodeValidationInvalidIdentity, Description: "The address is too long"}
	}
	m, err := h.join(key)
	if err != nil {
		return nil, fmt.Errorf("attach %s: %w", a.Node, err)
	}
	m.to, m.who, m.guest, m.rank, m.unlisted = to, who, a.Guest, a.Role.Rank(), unlisted
	if a.Credential != "" {
		m.own = &particulars{letInBy: a.Credential}
	}
	if err := h.admit(m); err != nil {
		h.release(m.hub)
		return nil, fmt.Errorf("attach %s: %w", a.Node, err)
	}
	if err := h.enter(ctx, m); err != nil {
		m.Leave()
		return nil, fmt.Errorf("attach %s: %w", a.Node, err)
	}
	return m, nil
}

// enter waits for the subscription to be in force and registers m then, not before:
// what others tell of the view from its registration on must be heard.
func (h *Hubs) enter(ctx context.Context, m *Member) error {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	if err := h.awaitInterest(ctx, m); err != nil {
		return err
	}
	if m.unlisted {
		h.tellHosts(m.hub.key, 0)
		m.entered()
		return nil
	}
	if h.unlearned(m) {
		var learning sync.WaitGroup
		learning.Go(func() { h.learn(ctx, m) }) // while Redis is told
		defer learning.Wait()
	}
	err := errNotTried
	if !h.registrar.away.Load() {
		err = h.registrar.register(ctx, m, h.bounds.keepOlder.Load())
	}
	recheck := m.entered()
	switch {
	case errors.Is(err, presence.ErrTaken):
		return takenReason()
	case err != nil: // Redis is away: later
		h.tellHosts(m.hub.key, 0)
		h.registrar.changed(m)
	case h.crowded(m): // as Redis has told
		return crowdedReason()
	case recheck:
		h.registrar.changed(m)
	}
	return nil
}

// errNotTried stands for a registration that was not tried, since others fail.
var errNotTried = errors.New("not tried: the registry is away")

// awaitInterest returns when the broker has the subscription of m's hub, or has refused it: then the
// error is for the client.
func (h *Hubs) awaitInterest(ctx context.Context, m *Member) error {
	if m.listened(false) {
		return nil
	}
	if err := h.barrier.Wait(ctx); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if why := h.refuses(); why != "" {
		if err := h.tryOne(ctx, m.hub, why); err != nil {
			return err
		}
	}
	m.listened(true)
	return nil
}

// listened tells whether the subscription of m's hub is in force, which inForce says it is now. From then on m is
// ended when it is not.
func (m *Member) listened(inForce bool) bool {
	b := m.hub
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	b.inForce = b.inForce || inForce
	if b.inForce {
		m.entry &^= listening
	}
	return b.inForce
}

// admit notes a member that arrives, unless what is known here speaks against it.
func (h *Hubs) admit(m *Member) error {
	b := m.hub
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	if h.bounds.keepOlder.Load() && (b.find(m.token()) != nil || b.arriving.find(m.token()) != nil) {
		return takenReason()
	}
	if h.crowdedLocked(m) {
		return crowdedReason()
	}
	b.arriving.add(m)
	if !m.guest {
		b.learning.set(grantsAsked, true)
	}
	m.entry = entering | listening
	return nil
}

// entered ends what admit has begun, and tells whether the registrar is to look at
// m now.
func (m *Member) entered() (recheck bool) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	recheck = m.entry&enteringChanged != 0
	m.entry = 0
	return recheck
}

// crowded tells whether the identity has as many sessions as it may beside m, or
// the one whose place m takes.
func (h *Hubs) crowded(m *Member) bool {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return h.crowdedLocked(m)
}

func (h *Hubs) crowdedLocked(m *Member) bool {
	most := int(h.bounds.maxPerIdentity.Load())
	return most > 0 && m.hub.others(m.token()) >= most
}

func takenReason() *lime.Reason {
	return &lime.Reason{Code: lime.CodeSessionRegistrationError, Description: "The node is in session already"}
}

func crowdedReason() *lime.Reason {
	return &lime.Reason{Code: lime.CodeSessionRegistrationError, Description: "The identity has too many sessions"}
}
