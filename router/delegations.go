package router

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/delegation"
	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/routing"
)

// delegatedAgain is when a change is told a second time, for an edge that was just reading
// from a replica that was behind when it was told the first time.
const delegatedAgain = 2 * time.Second

// delegations is the store as the resource wants to see it. It tells the edges of who is
// concerned.
type delegations struct {
	*delegation.Store
	nats  *nats.Conn
	warn  *complaint.Log
	again *repeats[routing.DelegationEvent]
}

func newDelegations(s *delegation.Store, nc *nats.Conn, warn *complaint.Log, lost unrepeated) *delegations {
	d := &delegations{Store: s, nats: nc, warn: warn}
	d.again = newRepeats(delegatedAgain, lost[repeatDelegation], func(_ context.Context, e routing.DelegationEvent) { d.publish(e) })
	return d
}

// Delegate is that of resource.Delegations.
func (d *delegations) Delegate(ctx context.Context, owner lime.Identity, given lime.Delegation) error {
	g, err := d.Grant(ctx, owner, given)
	if err != nil {
		return err
	}
	d.tell(routing.DelegationEvent{Delegated: routing.Delegated(g)})
	return nil
}

// Revoke is that of resource.Delegations.
func (d *delegations) Revoke(ctx context.Context, owner lime.Identity, target lime.Node) error {
	version, err := d.Store.Revoke(ctx, owner, target)
	if version != 0 { // something of it may be done, in any case
		d.tellRevoked(owner, target, version)
	}
	return err
}

func (d *delegations) tellRevoked(owner lime.Identity, target lime.Node, version uint64) {
	d.tell(routing.DelegationEvent{Revoked: true, Delegated: routing.Delegated{
		Owner: owner, Version: version, Delegation: lime.Delegation{Target: target},
	}})
}

// Delegated is that of resource.Delegations.
func (d *delegations) Delegated(ctx context.Context, owner lime.Identity) ([]lime.Delegation, error) {
	given, err := d.By(ctx, owner)
	if err != nil {
		return nil, err
	}
	all := make([]lime.Delegation, len(given))
	for i := range given {
		all[i] = given[i].Delegation
	}
	return all, nil
}

// Delegation is that of resource.Delegations.
func (d *delegations) Delegation(ctx context.Context, owner lime.Identity, target lime.Node) (lime.Delegation, error) {
	g, err := d.Get(ctx, owner, target)
	return g.Delegation, err
}

// forget removes the delegations of a deleted account. Of what it was given its edges are
// told, too: they keep it as long as anybody has the name, which may be its next owner.
func (d *delegations) forget(ctx context.Context, i lime.Identity) error {
	gone, err := d.Forget(ctx, i)
	for _, g := range gone {
		if g.Version != 0 {
			d.tellRevoked(g.Owner, g.Target, g.Version)
		}
	}
	return err
}

// tell publishes a change, now and once more. It does not block.
func (d *delegations) tell(e routing.DelegationEvent) {
	d.publish(e)
	d.again.add(e)
}

func (d *delegations) publish(e routing.DelegationEvent) {
	if err := routing.TellDelegation(d.nats, e); err != nil {
		d.warn.Warn("could not tell of a delegation", err)
	}
}
