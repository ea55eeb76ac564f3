package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/loadtest/cluster"

	"limegrove/loadtest/usage"
)

// Presence is a load of people who come online, and are told of each other.
type Presence struct {
	Cluster    cluster.Config
	Identities int
	Contacts   int           // of each, who have it as a contact, too
	Window     time.Duration // in which all come
	Flapping   int           // every so-many-th sets its presence twenty times more; 0 for none
	Kill       bool          // the second edge is killed in the middle of the window
	Print      io.Writer
}

// What the cluster has for all to know what is so: after the last change, and after the death
// of an edge, whose lease has to end.
const (
	presencePatience = 60 * time.Second
	stillSo          = time.Second // for which it has to stay right
)

// Run measures. An error tells of what somebody takes for so and is not, never of how long
// it took.
func (o *Presence) Run(ctx context.Context) (err error) {
	cfg := o.Cluster
	if cfg.Dir, err = os.MkdirTemp(cfg.Dir, "load-"); err != nil {
		return err
	}
	c, err := startServers(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	tell(o.Print, "%d identities with %d contacts each come within %s, %d edges, 1 router\n", o.Identities, o.Contacts, o.Window, cfg.Edges)
	if err := c.people(ctx, o.Identities, o.Contacts); err != nil {
		return err
	}
	all := newCrowd(c, o)
	defer all.close()
	before, err := c.spending()
	if err != nil {
		return err
	}
	start := time.Now()
	var death time.Time
	var dying sync.WaitGroup
	if o.Kill {
		dying.Go(func() {
			wait(ctx, o.Window/2)
			death = time.Now()
			all.kill(1)
		})
	}
	all.come(ctx, start)
	dying.Wait()
	came := time.Now()
	settled, wrong := all.settle(ctx)
	after, err := c.spending()
	if err != nil {
		return err
	}
	average := usage.LoadAverage()
	wait(ctx, stillSo)
	if wrong == 0 {
		wrong, _ = all.wrong()
	}
	return errors.Join(o.report(ctx, all, before, after, average, start, came, settled, death, wrong), ctx.Err())
}

// report prints what was seen.
func (o *Presence) report(ctx context.Context, all *crowd, before, after spending, average string,
	start, came, settled, death time.Time, wrong int,
) error {
	c := all.cluster
	tell(o.Print, "  all had come after %s, and all knew of each other %s later", round(came.Sub(start)), round(max(settled.Sub(came), 0)))
	if o.Kill {
		tell(o.Print, ", %s after the death of an edge that held %d of them", round(settled.Sub(death)), all.lost)
	}
	tell(o.Print, "; load average %s\n", average)
	got := all.observes.Load()
	tell(o.Print, "  clients were told %d times; wrong at the end %d of %d, faults %d %s\n", got, wrong, all.pairs(), all.faults.Load(), all.firstFault())
	tell(o.Print, "  CPU: %s\n", after.spentSince(before))
	tell(o.Print, "  µs for each time that a client was told: %s\n", after.since(before, got))
	for _, m := range []struct{ name, says string }{
		{"limegrove_herald_events_total", "words of edges"},
		{"limegrove_herald_pushes_total", "changes told"},
		{"limegrove_herald_briefings_total", "sessions told when they began"},
		{"limegrove_herald_observes_total", "envelopes published"},
		{"limegrove_herald_corrections_total", "changes told once more"},
		{"limegrove_herald_failures_total", "tries that failed"},
	} {
		n, err := cluster.Metric(ctx, c.Routers, m.name)
		if err != nil {
			return err
		}
		tell(o.Print, "  %s: %.0f\n", m.says, n)
	}
	switch {
	case wrong > 0:
		_, first := all.wrong()
		return fmt.Errorf("%d presences are not known as they are, such as %s", wrong, first)
	case all.faults.Load() > 0:
		return fmt.Errorf("%d faults: %s", all.faults.Load(), all.firstFault())
	}
	return nil
}

// crowd is the people, some of whom are there.
type crowd struct {
	cluster *servers
	cfg     *Presence
	all     []*person
	killed  atomic.Bool
	lost    int // who were on the killed edge

	observes atomic.Int64
	faults   atomic.Int64
	mu       sync.Mutex
	fault    string
	reading  sync.WaitGroup
}

func newCrowd(c *servers, cfg *Presence) *crowd {
	all := &crowd{cluster: c, cfg: cfg}
	for i := range cfg.Identities {
		all.all = append(all.all, &person{crowd: all, number: i})
	}
	return all
}

// come has all come, each in its time, and returns when they have done what they do.
func (a *crowd) come(ctx context.Context, start time.Time) {
	next := atomic.Int64{}
	var coming sync.WaitGroup
	for range min(len(a.all), atOnce) {
		coming.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(a.all) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				wait(ctx, time.Until(start.Add(time.Duration(i)*a.cfg.Window/time.Duration(len(a.all)))))
				if err := a.all[i].come(ctx); err != nil {
					a.fail("%s: %v", a.all[i].name(), err)
				}
			}
		})
	}
	coming.Wait()
}

// kill kills an edge. Of those who were there every other one comes back elsewhere.
func (a *crowd) kill(edge int) {
	a.killed.Store(true)
	a.cluster.Edges[edge].Kill()
}

// fail notes what should not have happened.
func (a *crowd) fail(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.faults.Add(1) == 1 {
		a.fault = fmt.Sprintf(format, args...)
	}
}

func (a *crowd) firstFault() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fault
}

// settle returns when all know what is so, or how much they do not when it takes too long.
func (a *crowd) settle(ctx context.Context) (at time.Time, wrong int) {
	for deadline := time.Now().Add(presencePatience); ; wait(ctx, 50*time.Millisecond) {
		at = time.Now()
		if wrong, _ = a.wrong(); wrong == 0 || at.After(deadline) || ctx.Err() != nil {
			return at, wrong
		}
	}
}

// wrong counts what those who are there take for so and is not.
func (a *crowd) wrong() (n int, first string) {
	is := make([]string, len(a.all))
	for i, p := range a.all {
		is[i] = p.presence()
	}
	for i, p := range a.all {
		if is[i] == "" {
			continue
		}
		for other := range contactsOf(i, len(a.all), a.cfg.Contacts) {
			want := is[other]
			if want == "" {
				want = "unavailable"
			}
			if got := p.knows(other); got != want {
				if n++; n == 1 {
					first = fmt.Sprintf("%s, whom %s takes for %s and who is %s", personName(other), p.name(), got, want)
				}
			}
		}
	}
	return n, first
}

// pairs is how many presences there are to be known.
func (a *crowd) pairs() (n int) {
	for _, p := range a.all {
		if p.presence() != "" {
			n += a.cfg.Contacts
		}
	}
	return n
}

func (a *crowd) close() {
	for _, p := range a.all {
		p.leave()
	}
	a.reading.Wait()
}
