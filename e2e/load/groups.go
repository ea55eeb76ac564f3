package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"limegrove/loadtest/cluster"
)

// Groups is a load of messages for groups.
type Groups struct {
	Cluster  cluster.Config
	Groups   int
	Members  int // of each, who are in no other; at least 2
	Rate     int // messages a second for all groups together, each of which has a copy for every member
	Duration time.Duration
	Warmup   time.Duration // less than Duration; is not measured
	Size     int           // of a message's content, in bytes
	Receipts Receipts
	Profiles string // a folder for profiles of each process under load; "" for none
	Print    io.Writer
}

// groupSenders is how many members of a group send: one on each of two edges, so that the
// order of a group's messages is nobody's own.
const groupSenders = 2

// Run measures. An error tells of messages that are wrong, never of delays.
func (o *Groups) Run(ctx context.Context) error {
	v, err := o.run(ctx)
	return errors.Join(err, v.Err())
}

func (o *Groups) run(ctx context.Context) (v Verdict, err error) {
	cfg := o.Cluster
	if cfg.Dir, err = os.MkdirTemp(cfg.Dir, "load-"); err != nil {
		return v, err
	}
	c, err := startServers(ctx, cfg)
	if err != nil {
		return v, err
	}
	defer c.Close()
	tell(o.Print, "%d groups of %d members, %d messages/s for all groups, %d copies/s, for %s, %d bytes, %d edges, %d brokers, %d partitions, recipients answer by %s\n",
		o.Groups, o.Members, o.Rate, o.Rate*o.Members, o.Duration, o.Size, cfg.Edges, cfg.Brokers, cfg.Partitions, o.Receipts)
	if err := c.found(ctx, o.Groups, o.Members); err != nil {
		return v, err
	}
	t := newTally(int(o.Duration.Seconds()*float64(o.Rate)), o.Rate)
	all := newCopies(t, o.Groups, o.Members, groupSenders)
	m, err := c.gather(ctx, all, o.Size, o.Receipts)
	if err != nil {
		return v, err
	}
	defer m.close()

	run := course{cluster: c, tally: t, warmup: o.Warmup, duration: o.Duration, profiles: o.Profiles, out: o.Print}
	before, after, average, err := run.run(ctx, m.pace, func() (progress, error) { return c.progress(ctx, all) })
	if err != nil {
		return v, err
	}
	behind := t.sent.Load()*int64(o.Members) - after.delivered
	t.settle(ctx)
	v = all.verdict()
	v.Held = behind < int64(o.Rate*o.Members)/2 // half a second's
	tell(o.Print, "  sent %d, accepted %d, delivered to all members %d, dispatched %d, received %d\n",
		v.Sent, v.Accepted, v.Delivered, v.Dispatched, v.Received)
	tell(o.Print, "  copies delivered %d; lost %d, twice %d, out of order %d, faults %d %s\n",
		all.total.Load(), v.Lost, v.Twice, v.Disordered, v.Faults, v.Fault)
	if err := ctx.Err(); err != nil {
		return v, fmt.Errorf("ended before its time: %w", err)
	}
	delivered, long := after.since(&before)
	tell(o.Print, "  copies: %.0f/s stored and %.0f/s delivered after the warm-up, %d behind at the end (held: %t); load average %s\n",
		(after.stored-before.stored)/long, float64(delivered)/long, behind, v.Held, average)
	tell(o.Print, "  µs a copy: %s\n", after.spending.since(before.spending, delivered))
	first := int(o.Warmup.Seconds() * float64(o.Rate))
	tell(o.Print, "  accepted:             %s\n  a copy delivered:     %s\n  the last of them:     %s\n  told that all stored: %s\n",
		t.accepted.between(first, t.len()), all.between(first, t.len()), t.delivered.between(first, t.len()), t.dispatched.between(first, t.len()))
	return v, nil
}

// progress looks at a cluster that makes copies.
func (c *servers) progress(ctx context.Context, all *copies) (p progress, err error) {
	if p.stored, err = cluster.Metric(ctx, c.Routers, "limegrove_group_copies_total"); err != nil {
		return p, err
	}
	p.delivered = all.total.Load()
	p.spending, err = c.spending()
	return p, err
}
