package inject

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"limegrove/e2e/fault/history"
	"limegrove/e2e/fault/rig"
)

// Injector does faults to a cluster.
type Injector struct {
	Rig      *rig.Rig
	Recorder *history.Recorder
	Print    io.Writer // where people are told; one line a fault
	Seed     uint64    // for what shows only when a fault begins

	began   time.Time
	printed sync.Mutex
}

// Run does a plan, and returns when all of it is healed. When ctx is done, what has
// begun is healed at once.
func (i *Injector) Run(ctx context.Context, plan []Fault) error {
	i.began = time.Now()
	var all sync.WaitGroup
	errs := make([]error, len(plan))
	for n, f := range plan {
		all.Go(func() {
			if wait(ctx, f.At) {
				errs[n] = i.one(ctx, f)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// one does one fault.
func (i *Injector) one(ctx context.Context, f Fault) error {
	do, err := i.action(ctx, &f)
	if err != nil {
		// A cluster that has no leader just now has trouble enough.
		i.say("%s is left out: %v", f.Kind, err)
		return nil
	}
	i.say("fault %d: %s %s for %s", f.Number, f.Kind, f.target(), f.For.Round(100*time.Millisecond))
	line := history.Event{Kind: history.FaultBegin, Fault: f.Number, Name: string(f.Kind), Target: f.target()}
	i.Recorder.Record(line)
	err = do.harm()
	wait(ctx, f.For)
	if do.heal != nil {
		err = errors.Join(err, do.heal())
	}
	line.Kind = history.FaultEnd
	i.Recorder.Record(line)
	if err != nil {
		return fmt.Errorf("fault %s: %w", f, err)
	}
	return nil
}

func (i *Injector) say(format string, args ...any) {
	i.printed.Lock()
	defer i.printed.Unlock()
	// Nobody to tell is no trouble.
	_, _ = fmt.Fprintf(i.Print, "%7.1fs %s\n", time.Since(i.began).Seconds(), fmt.Sprintf(format, args...))
}

// wait waits, and tells whether it has until the end of the time.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
