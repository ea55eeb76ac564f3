package router

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/account"
	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/roster"
	"limegrove/routing"
)

// policyAgain is when a change of who may send to an account is told a second time, for an
// edge that has read a replica which was behind when it was told the first time.
const policyAgain = 2 * time.Second

// policies tells the edges of accounts that others may send to them than before.
type policies struct {
	nats  *nats.Conn
	warn  *complaint.Log
	again *repeats[lime.Identity]
}

func newPolicies(nc *nats.Conn, warn *complaint.Log, lost unrepeated) *policies {
	p := &policies{nats: nc, warn: warn}
	p.again = newRepeats(policyAgain, lost[repeatPolicy], func(_ context.Context, i lime.Identity) { p.publish(i) })
	return p
}

// invites tells whether an account lets somebody put it into a group: what the group sends
// comes to it, so that one that takes messages of its contacts alone is invited by them alone.
func invites(accounts *account.Store, people *roster.Store) func(ctx context.Context, owner, by lime.Identity) (bool, error) {
	return func(ctx context.Context, owner, by lime.Identity) (bool, error) {
		a, err := accounts.Latest(ctx, owner)
		if err != nil || !lime.PolicyOf(a.Properties).ContactsOnly {
			return err == nil, err
		}
		return people.Knows(ctx, owner, by)
	}
}

// tell publishes a change, now and once more. It does not block.
func (p *policies) tell(i lime.Identity) {
	p.publish(i)
	p.again.add(i)
}

func (p *policies) publish(i lime.Identity) {
	if err := routing.TellPolicy(p.nats, i); err != nil {
		p.warn.Warn("could not tell who may send to an account", err)
	}
}
