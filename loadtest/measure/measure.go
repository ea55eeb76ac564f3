package measure

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"slices"
	"time"

	"limegrove/loadtest/fleet"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/usage"
)

// Target is servers that run.
type Target struct {
	Servers  []netip.AddrPort // where clients connect, in turns
	Attacked []netip.AddrPort // where those do who attack; none for the same
	Groups   []usage.Group    // what is measured, by what it is; none where it cannot be
	// Collect has the servers give back what memory they have no use for; nil where they cannot.
	Collect func(context.Context) error
	// Dropped tells what the servers say that they have dropped, refused or cut, by reason; nil where they do not.
	Dropped func(context.Context) (map[string]float64, error)
	// Pauses tells how long the servers have stopped to collect their garbage since they were started; nil
	// where they do not.
	Pauses func(context.Context) (usage.Histogram, error)
}

// pauses is that of servers that tell.
func (t *Target) pauses(ctx context.Context) (usage.Histogram, error) {
	if t.Pauses == nil {
		return nil, nil
	}
	return t.Pauses(ctx)
}

// Config is one measurement.
type Config struct {
	Target Target
	// Plan is what all workers do together. Its Servers, Epoch and Share are made here.
	Plan     fleet.Plan
	Workers  int              // 0 for as many as the clients need
	Worker   func() *exec.Cmd // makes this program a worker
	Settle   time.Duration    // between the last session's beginning and the load
	Warmup   time.Duration    // of the load, is not measured
	Duration time.Duration    // of the load behind the warm-up
	// Disturbances is how often a scenario disturbs; 0 for as often as it does where nothing is said.
	Disturbances int
	Print        io.Writer // for people
}

// soon is how long before their beginning workers are told of it.
const soon = 300 * time.Millisecond

// Run measures. An error tells that this was not possible, and a report what was wrong with
// messages: see Report.Err.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	plan := cfg.Plan
	plan.Servers, plan.Epoch = cfg.Target.Servers, time.Now()
	workers := cfg.Workers
	if workers == 0 {
		workers = max(1, (plan.Clients+fleet.MaxClients-1)/fleet.MaxClients)
	}
	if err := checkSystem(&plan, workers); err != nil {
		return nil, err
	}
	r := &Report{
		Scenario: plan.Scenario, Protocol: plan.Protocol, Clients: plan.Clients, Servers: len(plan.Servers),
		Workers: workers, Load: plan.Load, Date: plan.Epoch.UTC().Truncate(time.Second), Machine: ThisMachine(),
	}
	kind, err := scenario.Named(plan.Scenario)
	if err != nil {
		return nil, err
	}
	load := usage.Group{Name: "load", Processes: []usage.Process{usage.Self()}}
	groups := slices.Concat(cfg.Target.Groups, []usage.Group{load})
	if kind.Attackers > 0 {
		groups = append(groups, usage.Group{Name: "attack"})
	}
	if kind.Idle && cfg.Target.Collect != nil { // or each would have what was left over from its beginning
		if err := cfg.Target.Collect(ctx); err != nil {
			return nil, err
		}
	}
	empty, err := usage.Read(groups)
	if err != nil {
		return nil, err
	}
	plans := fleet.Split(plan, workers, sources(plan.Servers))
	if kind.Attackers > 0 {
		plans = append(plans, fleet.Attackers(plan, cfg.Target.Attacked, kind, workers, sources(plan.Servers)))
	}
	f, err := fleet.Start(cfg.Worker, plans)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	defer tellProgress(cfg.Print, f, plan.Epoch)()
	started := f.Processes()
	groups[len(cfg.Target.Groups)].Processes = append(load.Processes, started[:workers]...)
	if kind.Attackers > 0 {
		groups[len(groups)-1].Processes = started[workers:]
	}
	m := meter{groups}
	if err := m.open(ctx, f, r, empty); err != nil {
		return nil, err
	}
	if err := wait(ctx, cfg.Settle); err != nil {
		return nil, err
	}
	if r.Settled, err = m.settled(empty); err != nil {
		return nil, err
	}
	if !kind.Alone {
		if err := m.load(ctx, f, r, &cfg, kind, plan.Epoch); err != nil {
			return nil, err
		}
	}
	if kind.Idle {
		if err := m.collected(ctx, r, &cfg, empty); err != nil {
			return nil, err
		}
	}
	if cfg.Target.Dropped != nil {
		if r.Dropped, err = cfg.Target.Dropped(ctx); err != nil {
			return nil, err
		}
	}
	r.conclude()
	return r, nil
}

// meter reads what groups use.
type meter struct{ groups []usage.Group }

// open measures how clients are opened.
func (m *meter) open(ctx context.Context, f *fleet.Fleet, r *Report, empty usage.Reading) error {
	opened, err := f.Opened(ctx)
	if err != nil {
		return err
	}
	r.Opened = *opened
	after, err := usage.Read(m.groups)
	if err != nil {
		return err
	}
	r.Opening = costs(after.Since(empty), after.At.Sub(empty.At))
	return nil
}

// settled measures what groups hold for clients that do nothing.
func (m *meter) settled(empty usage.Reading) ([]Cost, error) {
	now, err := usage.Read(m.groups)
	if err != nil {
		return nil, err
	}
	all := costs(now.Groups, 0)
	for i := range empty.Groups {
		all[i].Before = empty.Groups[i].Resident
	}
	return all, nil
}

// load measures the load.
func (m *meter) load(ctx context.Context, f *fleet.Fleet, r *Report, cfg *Config, kind scenario.Kind, epoch time.Time) error {
	start := time.Since(epoch) + soon
	c := scenario.Course{
		Start: start, Measured: start + cfg.Warmup, End: start + cfg.Warmup + cfg.Duration,
		Disturbances: cmp.Or(cfg.Disturbances, kind.Disturbances),
	}
	if err := f.Begin(c); err != nil {
		return err
	}
	until := func(at time.Duration) error { return wait(ctx, at-time.Since(epoch)) }
	if err := until(c.Measured); err != nil {
		return err
	}
	stopped, err := cfg.Target.pauses(ctx)
	if err != nil {
		return err
	}
	before, err := usage.Read(m.groups)
	if err != nil {
		return err
	}
	after := before
	for phase := range max(c.Phases(), 1) {
		if err := until(c.Begins(phase + 1)); err != nil {
			return err
		}
		last := after
		if after, err = usage.Read(m.groups); err != nil {
			return err
		}
		if c.Phases() > 0 {
			r.Phases = append(r.Phases, costs(after.Since(last), after.At.Sub(last.At)))
		}
	}
	r.LoadAverage = usage.LoadAverage()
	r.Seconds = cfg.Duration.Seconds()
	r.Running = costs(after.Since(before), after.At.Sub(before.At))
	result, err := f.Result(ctx)
	if err != nil {
		return err
	}
	r.Result = *result
	pauses, err := cfg.Target.pauses(ctx)
	r.Pauses = pausesOf(pauses.Since(stopped))
	return err
}

// collected measures what groups hold for clients that do nothing when there is nothing else.
func (m *meter) collected(ctx context.Context, r *Report, cfg *Config, empty usage.Reading) (err error) {
	if cfg.Target.Collect == nil {
		return nil
	}
	if err := cfg.Target.Collect(ctx); err != nil {
		return err
	}
	r.Collected, err = m.settled(empty)
	return err
}

// wait waits for a time.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("ended before its time: %w", ctx.Err())
	case <-time.After(d):
		return nil
	}
}
