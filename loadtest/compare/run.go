package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"limegrove/loadtest/cluster"
	"limegrove/loadtest/fleet"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/servers"
	"limegrove/loadtest/table"
)

// comparison is a run of the command.
type comparison struct {
	*options
	self  string                  // this program
	kinds map[string]servers.Kind // by name, those that are prepared
	dir   string
	out   io.Writer
}

// compareAll runs all trials, each with all servers.
func compareAll(ctx context.Context, o *options, dir string, out io.Writer) error {
	c := &comparison{options: o, kinds: make(map[string]servers.Kind), dir: dir, out: out}
	var err error
	if c.self, err = os.Executable(); err != nil {
		return err
	}
	for i := range o.trials {
		t := &o.trials[i]
		compare := onServers
		if t.compare != nil {
			compare = t.compare
		}
		r, err := compare(ctx, c, t)
		if err != nil {
			return err
		}
		r.Commit = measure.Commit(ctx)
		if err := r.print(out); err != nil {
			return err
		}
		if o.results != "" {
			if err := r.write(o.results); err != nil {
				return err
			}
		}
	}
	if o.results == "" || o.page == "" {
		return nil
	}
	all, err := readResults(o.results)
	if err != nil {
		return err
	}
	return table.Rewrite(o.page, tables(all))
}

// onServers puts the load of a trial on all servers, in rounds.
func onServers(ctx context.Context, c *comparison, t *trial) (*result, error) {
	r := newResult(t, c.options)
	for round := range c.rounds {
		for i := range c.servers {
			name := c.servers[(round+i)%len(c.servers)]
			if _, err := fmt.Fprintf(c.out, "%s, round %d of %d, %s\n", t.name, round+1, c.rounds, name); err != nil {
				return nil, err
			}
			k, err := c.kind(ctx, name)
			if err != nil {
				return nil, err
			}
			report, err := c.measure(ctx, t, k)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", t.name, name, err)
			}
			r.add(t, name, report)
		}
	}
	return r, nil
}

// kind is a kind of server that is prepared.
func (c *comparison) kind(ctx context.Context, name string) (servers.Kind, error) {
	if k, ok := c.kinds[name]; ok {
		return k, nil
	}
	k, err := servers.New(name)
	if err != nil {
		return nil, err
	}
	if err := k.Prepare(ctx, c.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", name, err), ctx.Err())
	}
	c.kinds[name] = k
	return k, nil
}

// measure starts a server, and measures a trial.
func (c *comparison) measure(ctx context.Context, t *trial, k servers.Kind) (*measure.Report, error) {
	dir, err := os.MkdirTemp(c.dir, "server-")
	if err != nil {
		return nil, err
	}
	s, err := k.Start(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	plan := t.plan
	plan.Protocol, plan.Domain, plan.AtOnce = k.Protocol(), cluster.Domain, atOnce
	cfg := measure.Config{
		Target: s.Target, Plan: plan, Settle: t.settle, Warmup: c.warmup, Duration: t.duration, Print: c.out,
		Worker: func() *exec.Cmd { return exec.Command(c.self, fleet.Argument) },
	}
	if c.duration > 0 {
		cfg.Duration = c.duration
	}
	return measure.Run(ctx, cfg)
}
