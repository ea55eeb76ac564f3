package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"limegrove/e2e/load"
)

// errUsage is matched by what a command line is refused with.
var errUsage = errors.New("bad usage")

// options are the command line's.
type options struct {
	scenario         string
	rates            []int
	duration, warmup time.Duration
	pairs, size      int
	receipts         load.Receipts
	cluster          load.Cluster
	identities, each int
	atOnce           int
	logins, accounts int
	way              load.StormWay
	contacts, flap   int
	groups, members  int
	window           time.Duration
	kill             bool
	profiles         string
	keep             bool
}

// What there is to measure, each with its rates where none are given.
var scenarios = map[string][]int{
	"throughput": {5000, 10_000, 15_000, 20_000},
	"latency":    {2000},
	"stalled":    {1000},
	"loginstorm": {500},
	"backlog":    nil,
	"presence":   nil,
	"group":      {20},
}

// parse reads a command line. An error matches errUsage, or flag.ErrHelp when the help was
// asked for and printed.
func parse(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.scenario, "scenario", "throughput", "`name`: throughput, latency, stalled, loginstorm, backlog, presence or group")
	rates := f.String("rate", "", "messages a second, with group for all groups together; for throughput and latency several, separated by commas, until one does not hold; not for backlog")
	f.DurationVar(&o.duration, "duration", 40*time.Second, "`time` for which messages are sent; with stalled and loginstorm half of it is before that begins; not for backlog")
	f.DurationVar(&o.warmup, "warmup", 15*time.Second, "`time` of that which is not measured; with stalled and loginstorm it is a tenth of each half, whatever stands here; not for backlog")
	f.IntVar(&o.pairs, "pairs", 0, "`number` of pairs of clients (default 1000; with stalled and loginstorm 200); not for backlog, presence and group")
	f.IntVar(&o.cluster.Edges, "edges", 2, "`number` of edges")
	f.IntVar(&o.cluster.Brokers, "brokers", 1, "`number` of nats-servers, 1 or 3; latency measures both")
	f.IntVar(&o.cluster.Partitions, "partitions", 1, "`number` of partitions")
	f.IntVar(&o.cluster.Processors, "processors", 0, "`number` of processors that each process of the cluster uses at once; 0 for all, which costs delay where there are fewer than busy processes")
	f.IntVar(&o.size, "size", 100, "`bytes` of a message's content")
	receipts := f.String("receipts", string(load.Pongs), "how recipients acknowledge: pong or received; with stalled, loginstorm and backlog it is pong, whatever stands here")
	f.IntVar(&o.identities, "identities", 0, "`number` of identities: for backlog, those that messages wait for (default 2000), for presence those that come online (default 1000)")
	f.IntVar(&o.each, "each", 10, "`number` of messages that wait for each; likewise")
	f.IntVar(&o.atOnce, "at-once", 500, "`number` of sessions that come back together; likewise")
	f.IntVar(&o.logins, "logins", 2000, "`number` of logins a second that are offered; for loginstorm alone")
	way := f.String("to", string(load.ToRouter), "whom logins are offered to: router, as edges ask it, or edges, over a WebSocket each; likewise")
	f.IntVar(&o.accounts, "accounts", 500, "`number` of accounts that they are of; likewise")
	f.IntVar(&o.contacts, "contacts", 200, "`number` of contacts of each of 1000 identities, or of -identities; for presence alone")
	f.IntVar(&o.groups, "groups", 20, "`number` of groups; for group alone")
	f.IntVar(&o.members, "members", 250, "`number` of members of each, two of whom send; likewise")
	f.DurationVar(&o.window, "window", 10*time.Second, "`time` in which all come online; for presence alone")
	f.IntVar(&o.flap, "flap", 20, "every so-many-th `person` sets its presence twenty times more, 0 for nobody; likewise")
	f.BoolVar(&o.kill, "kill", false, "kill the second edge in the middle; likewise")
	f.StringVar(&o.profiles, "profiles", "", "`folder` for profiles; not for stalled and loginstorm")
	f.BoolVar(&o.keep, "keep", false, "keep the processes' logs and stores after a good run, too")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%w: %q is no flag", errUsage, f.Arg(0))
	}
	if o.receipts, err = load.ParseReceipts(*receipts); err != nil {
		return o, fmt.Errorf("%w: -receipts: %w", errUsage, err)
	}
	if o.way, err = load.ParseStormWay(*way); err != nil {
		return o, fmt.Errorf("%w: -to: %w", errUsage, err)
	}
	otherwise, known := scenarios[o.scenario]
	if !known {
		return o, fmt.Errorf("%w: -scenario: there is none that is called %q", errUsage, o.scenario)
	}
	if o.rates, err = numbers(*rates, otherwise...); err != nil {
		return o, fmt.Errorf("%w: -rate: %w", errUsage, err)
	}
	err = o.check()
	return o, err
}

// check refuses what nothing can be measured with.
func (o *options) check() error {
	for _, n := range []struct {
		flag         string
		value, least int
	}{
		{"-duration", int(o.duration), 1},
		{"-warmup", int(o.warmup), 0},
		{"-pairs", o.pairs, 0},
		{"-edges", o.cluster.Edges, 1},
		{"-partitions", o.cluster.Partitions, 1},
		{"-processors", o.cluster.Processors, 0},
		{"-size", o.size, 0},
		{"-identities", o.identities, 0},
		{"-contacts", o.contacts, 1},
		{"-groups", o.groups, 1},
		{"-members", o.members, 2},
		{"-window", int(o.window), 1},
		{"-flap", o.flap, 0},
		{"-each", o.each, 1},
		{"-at-once", o.atOnce, 1},
		{"-logins", o.logins, 1},
		{"-accounts", o.accounts, 1},
	} {
		if n.value < n.least {
			return fmt.Errorf("%w: %s: less than there can be", errUsage, n.flag)
		}
	}
	if o.scenario == "presence" && o.contacts >= or(o.identities, 1000) {
		return fmt.Errorf("%w: -contacts: %d people have at most %d each", errUsage, or(o.identities, 1000), or(o.identities, 1000)-1)
	}
	if o.kill && o.cluster.Edges < 2 {
		return fmt.Errorf("%w: -kill: there is no second edge", errUsage)
	}
	if o.cluster.Brokers != 1 && o.cluster.Brokers != 3 {
		return fmt.Errorf("%w: -brokers: there can be 1 or 3, not %d", errUsage, o.cluster.Brokers)
	}
	if warm := o.scenario == "throughput" || o.scenario == "latency" || o.scenario == "group"; warm && o.warmup >= o.duration {
		return fmt.Errorf("%w: -warmup: nothing is measured when %s of -duration %s are not", errUsage, o.warmup, o.duration)
	}
	if one := o.scenario == "stalled" || o.scenario == "loginstorm" || o.scenario == "group"; one && len(o.rates) > 1 {
		return fmt.Errorf("%w: -rate: %s has one alone", errUsage, o.scenario)
	}
	return nil
}

// numbers reads a list of positive numbers.
func numbers(text string, otherwise ...int) (all []int, err error) {
	if text == "" {
		return otherwise, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is no number of messages", one)
		}
		all = append(all, n)
	}
	return all, nil
}
