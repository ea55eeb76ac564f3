package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"limegrove/internal/command"
	"limegrove/loadtest/servers"
)

// options are what a command line says.
type options struct {
	trials   []trial
	servers  []string
	rounds   int
	warmup   time.Duration
	duration time.Duration // 0 for the trials' own
	results  string        // a folder; "" for none
	page     string        // whose tables are made anew; "" for none
	keep     bool
	args     []string
}

// parse reads a command line. An error matches command.ErrUsage, or flag.ErrHelp when the help was
// asked for and printed.
func parse(args []string, out io.Writer) (o options, err error) {
	o.args = args
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(out)
	names := f.String("trials", "", "`names`, separated by commas, of "+strings.Join(trialNames(), ", ")+" (default all); "+noTrial+" makes the page anew alone")
	kinds := f.String("servers", "floor,nats,"+subject, "`names`, separated by commas, of "+strings.Join(servers.Names(), ", "))
	f.IntVar(&o.rounds, "rounds", 3, "`number` of rounds")
	f.DurationVar(&o.warmup, "warmup", 2*time.Second, "`time` of a load that is not measured")
	f.DurationVar(&o.duration, "duration", 0, "`time` of a load that is (default 6 to 30 s, by the trial)")
	f.StringVar(&o.results, "results", "loadtest/results", "`folder` for results; \"\" writes none")
	f.StringVar(&o.page, "page", "loadtest/compare/README.md", "`file` whose tables are made anew from all results; \"\" for none")
	f.BoolVar(&o.keep, "keep", false, "keep the servers' logs after a good run, too")
	if err := command.Parse(f, args); err != nil {
		return o, err
	}
	if o.trials, err = chosen(command.List(*names)); err != nil {
		return o, fmt.Errorf("%w: -trials: %w", command.ErrUsage, err)
	}
	if o.servers = command.List(*kinds); len(o.servers) == 0 {
		return o, fmt.Errorf("%w: -servers: there is none", command.ErrUsage)
	}
	for _, name := range o.servers {
		if _, err := servers.New(name); err != nil {
			return o, fmt.Errorf("%w: -servers: %w", command.ErrUsage, err)
		}
	}
	if o.rounds < 1 || o.warmup < 0 || o.duration < 0 {
		return o, fmt.Errorf("%w: -rounds, -warmup and -duration are not negative, and there is a round", command.ErrUsage)
	}
	return o, nil
}
