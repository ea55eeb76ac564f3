package router

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/account"
	"limegrove/grant"
	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing"
)

const (
	// grantedAgain is when a change of what somebody was granted is told a second time, for
	// whom a login let in that has read a replica which was behind.
	grantedAgain = 2 * time.Second
	// grantedLast is when it is told for the last time. It is longer than a session takes
	// from its login, which has read what was granted before, until routing knows it.
	grantedLast = 30 * time.Second
)

// grants is the store as the resource wants to see it. It tells the edges of who is
// concerned.
type grants struct {
	*grant.Store
	nats        *nats.Conn
	warn        *complaint.Log
	again, last *repeats[regranted]
}

// regranted is a change that is told again.
type regranted struct {
	identity lime.Identity
	removed  uint64 // its revision; 0 for none
}

func newGrants(s *grant.Store, nc *nats.Conn, warn *complaint.Log, lost unrepeated) *grants {
	g := &grants{Store: s, nats: nc, warn: warn}
	g.again, g.last = newRepeats(grantedAgain, lost[repeatGrant], g.repeat), newRepeats(grantedLast, lost[repeatGrant], g.repeat)
	return g
}

// Grant is that of resource.Grants.
func (g *grants) Grant(ctx context.Context, id lime.Identity, rules room.Rules) error {
	now, err := g.Set(ctx, id, rules)
	if err == nil {
		g.tell(id, now, regranted{identity: id})
	}
	return err
}

// Revoke is that of resource.Grants.
func (g *grants) Revoke(ctx context.Context, id lime.Identity) error {
	now, err := g.Store.Revoke(ctx, id)
	if err == nil {
		g.tell(id, now, regranted{identity: id})
	}
	return err
}

// Granted is that of resource.Grants.
func (g *grants) Granted(ctx context.Context, id lime.Identity) (room.Rules, error) {
	now, err := g.Latest(ctx, id)
	return now.Rules, err
}

// forget removes what a deleted account was granted.
func (g *grants) forget(ctx context.Context, id lime.Identity) error {
	now, err := g.Forget(ctx, id)
	if err == nil && now.Revision != 0 {
		g.tell(id, now, regranted{id, now.Revision})
	}
	return err
}

// tell publishes a change, now and twice more. It does not block.
func (g *grants) tell(id lime.Identity, now room.Grants, later regranted) {
	g.publish(id, now)
	g.again.add(later)
	g.last.add(later)
}

func (g *grants) publish(id lime.Identity, now room.Grants) {
	if err := routing.TellGranted(g.nats, id, now); err != nil {
		g.warn.Warn("could not tell what was granted for rooms", err)
	}
}

// repeat tells a change again: what is in force by now. Of what is there no more its removal
// is told.
func (g *grants) repeat(ctx context.Context, r regranted) {
	if r.removed != 0 {
		g.publish(r.identity, room.Grants{Revision: r.removed})
		return
	}
	limited, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	now, err := g.Of(limited, r.identity)
	switch {
	case err != nil && ctx.Err() == nil:
		g.warn.Warn("could not tell again what was granted for rooms", err)
	case err == nil && now.Revision != 0:
		g.publish(r.identity, now)
	}
}

// hasAccount asks the leader: another router may have made the account a moment ago, for the
// same backend.
func hasAccount(accounts *account.Store) func(context.Context, lime.Identity) (bool, error) {
	return func(ctx context.Context, id lime.Identity) (bool, error) {
		_, err := accounts.Latest(ctx, id)
		if lime.AsReason(err) != nil {
			return false, nil
		}
		return err == nil, err
	}
}
