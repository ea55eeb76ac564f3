package fault

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
	"limegrove/e2e/fault/inject"
	"limegrove/e2e/fault/rig"
	"limegrove/e2e/fault/workload"
)

// HistoryFile is the name of the history in Config.Dir.
const HistoryFile = "history.jsonl"

// run is one run's parts.
type run struct {
	cfg      Config
	recorder *history.Recorder
	rig      *rig.Rig
	people   *workload.Workload
}

// Run runs a cluster under faults, and returns what the checker says. When it returns,
// all processes have ended; their logs and the history stay in Config.Dir. An error says
// that there is nothing to judge: the cluster did not start, or ctx was done.
func Run(ctx context.Context, cfg Config) (*checker.Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(cfg.Dir, HistoryFile)
	recorder, err := history.Create(path)
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, recorder: recorder}
	err = r.run(ctx)
	if err := errors.Join(err, recorder.Close()); err != nil {
		return nil, err
	}
	return checker.Check(history.ReadFiles(path), checker.Config{})
}

func (r *run) run(ctx context.Context) (err error) {
	r.say("starting %s", r.cfg)
	started, cancel := context.WithTimeout(ctx, starting)
	defer cancel()
	r.rig, err = rig.Start(started, rig.Config{
		Programs: r.cfg.Programs, Dir: r.cfg.Dir, Window: window, Loopback: r.cfg.Loopback, Print: r.cfg.Print,
		Exited: r.exited, Drain: r.cfg.drain(),
	})
	if err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	defer func() { err = errors.Join(err, r.rig.Close()) }()

	edges := make([]workload.Edge, 0, len(r.rig.Edges))
	for _, e := range r.rig.Edges {
		edges = append(edges, workload.Edge{Name: e.Name, URL: r.rig.EdgeURL(e), TCP: r.rig.EdgeTCP(e)})
	}
	r.people = workload.New(workload.Config{
		Edges: edges, Domain: rig.Domain, Seed: r.cfg.Seed, Identities: r.cfg.Identities, Groups: groups, Rate: r.cfg.Rate,
		Window: window, Recorder: r.recorder,
	})
	if err := r.people.SignUp(started); err != nil {
		return err
	}
	if err := r.people.Gather(started); err != nil {
		return err
	}
	r.say("%d clients of %d identities log in", r.people.Clients(), r.cfg.Identities)

	living, die := context.WithCancel(ctx)
	var life sync.WaitGroup
	defer life.Wait()
	defer die()
	life.Go(func() { r.people.Run(living) })
	if err := r.people.Present(started, most); err != nil {
		return err
	}
	return r.trouble(ctx)
}

// exited records the end of a process.
func (r *run) exited(e rig.Exit) {
	line := history.Event{
		Kind: history.Exit, Target: e.Process, Name: e.Sort, Text: e.Status, Status: e.Code, Took: e.Took, Ready: e.Ready,
	}
	switch e.Asked {
	case 0:
		r.say("%s has ended by itself: %s", e.Process, e.Status)
	case syscall.SIGKILL:
		line.Signal = history.Killed
	default:
		line.Signal = history.Terminated
	}
	r.recorder.Record(line)
}

// most is the share of clients that have to be there before there is trouble: some are
// away already.
const most = 0.7

// trouble has the cluster harmed, and healed, and waits until all is well.
func (r *run) trouble(ctx context.Context) error {
	begin := history.Event{Kind: history.Begin, Text: r.cfg.String()}
	var plan []inject.Fault
	var err error
	if begin.Fault = r.cfg.Rolling * len(r.rig.Edges); begin.Fault == 0 {
		if plan, err = r.cfg.plan(r.rig.Partitions(), r.rig.Clocks()); err != nil {
			return err
		}
		begin.Fault = len(plan)
	}
	r.recorder.Record(begin)
	if r.cfg.Rolling > 0 {
		err = r.roll(ctx)
	} else {
		err = r.faults(ctx, plan)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	r.say("settling")
	settling, cancel := context.WithTimeout(ctx, r.cfg.Settle)
	defer cancel()
	if err := r.people.Settle(settling); err != nil {
		r.say("not settled within %s: %v", r.cfg.Settle, err) // what that means the checker says
	}
	r.recorder.Record(history.Event{Kind: history.End})
	return ctx.Err()
}

// faults does a plan, and lets the senders go on until the run's time is over.
func (r *run) faults(ctx context.Context, plan []inject.Fault) error {
	over := time.Now().Add(r.cfg.Duration)
	injector := inject.Injector{Rig: r.rig, Recorder: r.recorder, Print: r.cfg.Print, Seed: r.cfg.Seed}
	err := injector.Run(ctx, plan)
	wait(ctx, max(time.Until(over), calm)) // a drain may have taken longer than planned
	return err
}

func (r *run) say(format string, args ...any) {
	// Nobody to tell is no trouble.
	_, _ = fmt.Fprintf(r.cfg.Print, "%s %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// wait waits, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
