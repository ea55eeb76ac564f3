package load

import (
	"context"
	"io"
	"sync"
	"time"

	"limegrove/loadtest/usage"
)

// course is messages of a tally that are sent for a time, the first part of which is not
// measured.
type course struct {
	cluster          *servers
	tally            *tally
	warmup, duration time.Duration
	profiles         string // a folder; "" for none
	out              io.Writer
}

// progress is how far a cluster has come at a moment, and what it has used for that.
type progress struct {
	spending
	stored    float64 // copies
	delivered int64   // messages, or copies
}

// run has pace send all messages. It returns what look has seen when the warm-up was over and
// when the last message was due, and how busy the machine was then, when all are sent.
func (o *course) run(ctx context.Context, pace func(context.Context), look func() (progress, error)) (before, after progress, average string, err error) {
	o.tally.start = time.Now().Add(100 * time.Millisecond)
	var sending sync.WaitGroup
	sending.Go(func() { pace(ctx) })
	defer sending.Wait()
	wait(ctx, time.Until(o.tally.start)+o.warmup)
	if before, err = look(); err != nil {
		return before, after, "", err
	}
	if o.profiles != "" {
		sending.Go(func() {
			if err := o.cluster.Profile(ctx, o.profiles, (o.duration-o.warmup)/2); err != nil {
				tell(o.out, "  profiles: %v\n", err)
			}
		})
	}
	wait(ctx, time.Until(o.tally.start.Add(o.duration)))
	after, err = look()
	return before, after, usage.LoadAverage(), err
}

// since returns how many were delivered from an earlier look on, and in how many seconds.
func (p *progress) since(before *progress) (delivered int64, seconds float64) {
	return p.delivered - before.delivered, p.At.Sub(before.At).Seconds()
}
