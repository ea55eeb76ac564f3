package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Throughput is a load of conversations.
type Throughput struct {
	Cluster  Cluster
	Pairs    int
	Rates    []int // messages a second; those behind one that does not hold are not tried
	Duration time.Duration
	Warmup   time.Duration // less than Duration; is not measured; the sweep begins when it is behind by its delay
	Size     int           // of a message's content, in bytes
	Receipts Receipts
	Profiles string // a folder for profiles of each process under load; "" for none
	Print    io.Writer
}

// What the last messages may take after they were sent, and what they may when somebody
// wants the run to end.
const (
	settleTime = 30 * time.Second
	hurryTime  = 2 * time.Second
)

// Verdict is what was wrong with messages, by number.
type Verdict struct {
	Sent, Accepted, Delivered, Dispatched, Received int64
	Lost, Twice, Disordered                         int64
	Faults                                          int
	Fault                                           string // the first one
	Held                                            bool   // the rate was held: delays did not grow
}

// Err says what was wrong, but for the time that it took.
func (v *Verdict) Err() error {
	if v.Lost == 0 && v.Twice == 0 && v.Disordered == 0 && v.Faults == 0 && v.Accepted == v.Sent {
		return nil
	}
	return fmt.Errorf("of %d messages %d were accepted, %d lost, %d came twice, %d out of order; %d faults: %s",
		v.Sent, v.Accepted, v.Lost, v.Twice, v.Disordered, v.Faults, v.Fault)
}

// Run measures each rate on a cluster of its own.
func (o *Throughput) Run(ctx context.Context) error {
	for _, rate := range o.Rates {
		v, err := o.run(ctx, rate)
		if err == nil {
			err = v.Err()
		}
		if err != nil {
			return err
		}
		if !v.Held {
			return nil
		}
	}
	return nil
}

// run measures one rate.
func (o *Throughput) run(ctx context.Context, rate int) (v Verdict, err error) {
	cfg := o.Cluster
	if cfg.Dir, err = os.MkdirTemp(cfg.Dir, "load-"); err != nil {
		return v, err
	}
	c, err := startCluster(ctx, cfg)
	if err != nil {
		return v, err
	}
	defer c.close()
	t := newTally(int(o.Duration.Seconds()*float64(rate)), rate)
	tell(o.Print, "%d pairs, %d messages/s for %s, %d bytes, %d edges, %d brokers, %d partitions, recipients answer by %s\n",
		o.Pairs, rate, o.Duration, o.Size, cfg.Edges, cfg.Brokers, cfg.Partitions, o.Receipts)
	p, err := c.open(ctx, "", o.Pairs, o.Size, o.Receipts, t)
	if err != nil {
		return v, err
	}
	defer p.close()

	t.start = time.Now().Add(100 * time.Millisecond)
	var sending sync.WaitGroup
	sending.Go(func() { p.pace(ctx) })
	defer sending.Wait()
	wait(ctx, time.Until(t.start)+o.Warmup)
	before, err := c.usage()
	if err != nil {
		return v, err
	}
	delivered := t.delivered.total.Load()
	if o.Profiles != "" {
		sending.Go(func() {
			if err := c.profile(ctx, o.Profiles, (o.Duration-o.Warmup)/2); err != nil {
				tell(o.Print, "  profiles: %v\n", err)
			}
		})
	}
	wait(ctx, time.Until(t.start.Add(o.Duration)))
	after, err := c.usage()
	if err != nil {
		return v, err
	}
	delivered = t.delivered.total.Load() - delivered
	average := loadAverage()
	behind := int64(t.len()) - t.delivered.total.Load()
	sending.Wait()
	t.settle(ctx)
	v = t.verdict()
	v.Held = behind < int64(rate)/2 // half a second's
	first := int(o.Warmup.Seconds() * float64(rate))
	tell(o.Print, "  sent %d, accepted %d, delivered %d, dispatched %d, received %d; lost %d, twice %d, out of order %d, faults %d %s\n",
		v.Sent, v.Accepted, v.Delivered, v.Dispatched, v.Received, v.Lost, v.Twice, v.Disordered, v.Faults, v.Fault)
	if err := ctx.Err(); err != nil {
		return v, errors.Join(fmt.Errorf("ended before its time: %w", err), v.Err())
	}
	tell(o.Print, "  %.0f/s delivered after the warm-up, %d behind at the end (held: %t); load average %s\n",
		float64(delivered)/after.at.Sub(before.at).Seconds(), behind, v.Held, average)
	tell(o.Print, "  µs a message: %s\n", after.since(before, delivered))
	tell(o.Print, "  accepted:  %s\n  delivered: %s\n", t.accepted.between(first, t.len()), t.delivered.between(first, t.len()))
	moved, err := metric(ctx, c.routers, "limegrove_sweep_moved_total")
	swept, errSwept := metric(ctx, c.routers, "limegrove_sweep_messages_total")
	tell(o.Print, "  the sweep came by %.0f and moved %.0f\n", swept, moved)
	return v, errors.Join(err, errSwept)
}

// settle waits until all that was sent is accepted, delivered and dispatched, or nothing
// more happens. When ctx is done it does not wait for long.
func (t *tally) settle(ctx context.Context) {
	late, look := time.NewTimer(settleTime), time.NewTicker(50*time.Millisecond)
	defer late.Stop()
	defer look.Stop()
	hurried := ctx.Done()
	for {
		n := t.sent.Load()
		if t.accepted.total.Load() >= n && t.delivered.total.Load() >= n && t.dispatched.total.Load() >= n {
			wait(ctx, 200*time.Millisecond) // for what comes twice
			return
		}
		select {
		case <-late.C:
			return
		case <-hurried:
			hurried = nil
			late.Reset(hurryTime)
		case <-look.C:
		}
	}
}

// verdict judges what was sent.
func (t *tally) verdict() Verdict {
	v := Verdict{
		Sent: t.sent.Load(), Accepted: t.accepted.total.Load(), Delivered: t.delivered.total.Load(),
		Dispatched: t.dispatched.total.Load(), Received: t.received.total.Load(),
		Twice: t.delivered.twice.Load(), Disordered: t.disordered.Load(),
	}
	v.Lost = v.Sent - v.Delivered
	v.Faults, v.Fault = t.trouble()
	return v
}

// profile has each edge, and the first broker, profiled for a time.
func (c *cluster) profile(ctx context.Context, dir string, long time.Duration) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for everybody to look at
		return err
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	get := func(p *process, port, page, file string) {
		all.Go(func() {
			text, err := fetch(ctx, "http://"+p.at(port)+"/debug/pprof/"+page)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, p.name+file), text, 0o600)
			}
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	cpu := fmt.Sprintf("profile?seconds=%d", max(1, int(long.Seconds())))
	for _, p := range c.edges {
		get(p, portAdmin, cpu, ".cpu")
	}
	get(c.routers[0], portAdmin, cpu, ".cpu")
	get(c.brokers[0], portProfile, cpu, ".cpu")
	all.Wait()
	get(c.edges[0], portAdmin, "allocs", ".allocs")
	get(c.edges[0], portAdmin, "heap?gc=1", ".heap")
	get(c.edges[0], portAdmin, "goroutine?debug=1", ".goroutines")
	all.Wait()
	return failed
}

// wait waits for a time, or for the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
