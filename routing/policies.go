package routing

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// TellPolicy tells the edges of an identity that others may send to it than before: they
// look again. Routers tell.
func TellPolicy(nc *nats.Conn, i lime.Identity) error {
	key, err := subject.MakeKey(i)
	if err != nil {
		return fmt.Errorf("tell of the policy of %s: %w", i, err)
	}
	return nc.Publish(key.Policy(), nil)
}

// hubPolicy is who may send to the identity of a hub, as far as it is known there. Guarded
// by the hub's shard.
type hubPolicy struct {
	inForce *lime.InboxPolicy // nil: everybody may. Never changed, but replaced
	asking  int               // senders that are asked about at the gate
}

// policyChanged takes what a router tells, with the shard locked. Until it is read again
// what was in force is.
func (h *Hubs) policyChanged(b *hub) {
	b.rulings++
	b.learning.set(policyAsked, true)
	h.unread.add(b, b.identity())
}

// readPolicy reads who may send to an identity, and again when a change was told meanwhile.
// It does so a few times, and is errUnsettled then.
func (h *Hubs) readPolicy(ctx context.Context, b *hub, i lime.Identity) error {
	const tries = 3
	for range tries {
		b.shard.mu.Lock()
		b.learning.set(policyAsked, true)
		rulings := b.rulings
		b.shard.mu.Unlock()
		p, _, err := h.cfg.Directory.Account(ctx, i)
		if err != nil {
			return err
		}
		b.shard.mu.Lock()
		settled := b.rulings == rulings
		if settled {
			b.learning.set(policyKnown, true)
			if b.knows() {
				b.learns().policy.inForce = nil
			}
			if p.Restricts() {
				b.learns().policy.inForce = &p
			}
		}
		b.shard.mu.Unlock()
		if settled {
			return nil
		}
	}
	return errUnsettled
}
