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
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"limegrove/e2e/fault"
	"limegrove/e2e/fault/inject"
	"limegrove/e2e/fault/rig"
)

const (
	statusGood  = 0
	statusBad   = 1
	statusUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status) //nolint:forbidigo // a main outside of cmd
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
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return statusGood
	} else if err != nil {
		return statusUsage
	}
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(stderr, "fault: "+format+"\n", args...) // nobody to tell is no trouble
	}
	var err error
	if o.Kinds, err = inject.ParseKinds(o.kinds); err != nil {
		say("-kinds: %v", err)
		return statusUsage
	}
	if flags.NArg() > 0 {
		say("%q is no flag", flags.Arg(0))
		return statusUsage
	}
	if err := o.Check(); err != nil {
		say("%v", err)
		return statusUsage
	}
	o.Print = stderr
	good, err := judge(ctx, &o, stdout)
	if err != nil {
		say("%v", err)
	}
	if err == nil && good && !o.keep {
		if err = os.RemoveAll(o.Dir); err == nil {
			return statusGood
		}
		say("%v", err)
	} else if o.Dir != "" {
		say("the history, the stores and all logs are in %s", o.Dir)
	}
	if err != nil || !good {
		return statusBad
	}
	return statusGood
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
