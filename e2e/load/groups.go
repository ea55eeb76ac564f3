package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Groups is a load of messages for groups.
type Groups struct {
	Cluster  Cluster
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
	c, err := startCluster(ctx, cfg)
	if err != nil {
		return v, err
	}
	defer c.close()
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

	t.start = time.Now().Add(100 * time.Millisecond)
	var sending sync.WaitGroup
	sending.Go(func() { m.pace(ctx) })
	defer sending.Wait()
	wait(ctx, time.Until(t.start)+o.Warmup)
	before, err := c.progress(ctx, all)
	if err != nil {
		return v, err
	}
	if o.Profiles != "" {
		sending.Go(func() {
			if err := c.profile(ctx, o.Profiles, (o.Duration-o.Warmup)/2); err != nil {
				tell(o.Print, "  profiles: %v\n", err)
			}
		})
	}
	wait(ctx, time.Until(t.start.Add(o.Duration)))
	after, err := c.progress(ctx, all)
	if err != nil {
		return v, err
	}
	average := loadAverage()
	sending.Wait()
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
	long := after.at.Sub(before.at).Seconds()
	tell(o.Print, "  copies: %.0f/s stored and %.0f/s delivered after the warm-up, %d behind at the end (held: %t); load average %s\n",
		(after.stored-before.stored)/long, float64(after.delivered-before.delivered)/long, behind, v.Held, average)
	tell(o.Print, "  µs a copy: %s\n", after.since(before.usage, after.delivered-before.delivered))
	first := int(o.Warmup.Seconds() * float64(o.Rate))
	tell(o.Print, "  accepted:             %s\n  a copy delivered:     %s\n  the last of them:     %s\n  told that all stored: %s\n",
		t.accepted.between(first, t.len()), all.between(first, t.len()), t.delivered.between(first, t.len()), t.dispatched.between(first, t.len()))
	return v, nil
}

// progress is how far a cluster has come at a moment, and what it has used for that.
type progress struct {
	usage
	stored    float64 // copies
	delivered int64   // likewise
}

func (c *cluster) progress(ctx context.Context, all *copies) (p progress, err error) {
	if p.stored, err = metric(ctx, c.routers, "limegrove_group_copies_total"); err != nil {
		return p, err
	}
	p.delivered = all.total.Load()
	p.usage, err = c.usage()
	return p, err
}
