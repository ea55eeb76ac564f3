// Command fault runs a cluster under faults and prints the checker's report. It is run
// somewhere in the module, whose edge and router it builds.
//
//	fault -seed 7 -duration 10m -faults 5s
//	fault -rolling 20 -rate 1000
//
// Its status is 0 when no promise was broken, 1 when one was or the run failed, and 2 for
// a bad command line. The folder with the history, the stores and the logs of all processes
// is kept then, or with -keep. A signal ends the run, and all that it has started.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"limegrove/e2e/fault"
	"limegrove/e2e/fault/inject"
	"limegrove/e2e/fault/rig"
	"limegrove/internal/command"
)

func main() {
	os.Exit(command.Main(run)) //nolint:forbidigo // a main outside of cmd
}

// options are the command line's.
type options struct {
	fault.Config
	keep, race bool
	kinds      string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("fault", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Uint64Var(&o.Seed, "seed", 1, "`number` from which the faults and the clients are drawn")
	flags.DurationVar(&o.Duration, "duration", 0, "`time` for which messages are sent (default 1m)")
	flags.DurationVar(&o.Mean, "faults", 0, "`time` between two faults on average (default 5s)")
	flags.Float64Var(&o.Rate, "rate", 0, "`messages` a second (default 200)")
	flags.IntVar(&o.Identities, "identities", 0, "`number` of accounts (default 120)")
	flags.StringVar(&o.kinds, "kinds", "", "`kinds` of faults, or what they begin with, separated by commas (default all)")
	flags.IntVar(&o.Rolling, "rolling", 0, "`number` of rolling restarts of all edges, in place of faults and -duration")
	flags.DurationVar(&o.Settle, "settle", 0, "`time` in which all must be delivered in the end (default 1m)")
	flags.BoolVar(&o.Loopback, "loopback", false, "without network namespaces, and so without partitions")
	flags.BoolVar(&o.race, "race", false, "build the edge and the router with the race detector")
	flags.BoolVar(&o.keep, "keep", false, "keep the history and the logs of a good run too")
	err := command.Parse(flags, args)
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return command.Status("fault", err, stderr)
	}
	o.Print = stderr
	good, err := judge(ctx, &o, stdout)
	if err == nil && good && !o.keep {
		return command.Status("fault", os.RemoveAll(o.Dir), stderr)
	}
	status := command.Status("fault", err, stderr)
	if o.Dir != "" {
		command.Say(stderr, "fault", "the history, the stores and all logs are in %s", o.Dir)
	}
	if !good {
		return command.Bad
	}
	return status
}

// check refuses what no run can be made with.
func (o *options) check() (err error) {
	if o.Kinds, err = inject.ParseKinds(o.kinds); err != nil {
		return fmt.Errorf("%w: -kinds: %w", command.ErrUsage, err)
	}
	if err := o.Check(); err != nil {
		return fmt.Errorf("%w: %w", command.ErrUsage, err)
	}
	return nil
}

// judge does the run in a new folder, and prints the report.
func judge(ctx context.Context, o *options, stdout io.Writer) (good bool, err error) {
	if o.Dir, err = os.MkdirTemp("", "limegrove-fault-"); err != nil {
		return false, fmt.Errorf("make a folder: %w", err)
	}
	bin := filepath.Join(o.Dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return false, fmt.Errorf("make a folder: %w", err)
	}
	if o.Programs, err = rig.Build(ctx, bin, o.race); err != nil {
		return false, err
	}
	report, err := fault.Run(ctx, o.Config)
	if err != nil {
		return false, err
	}
	_, err = report.WriteTo(stdout)
	return report.Good(), err
}
