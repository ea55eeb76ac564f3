package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"limegrove/e2e/load"
	"limegrove/internal/command"
	"limegrove/loadtest/cluster"
)

// options are the command line's.
type options struct {
	scenario         string
	rate             int
	duration, warmup time.Duration
	pairs, size      int
	receipts         load.Receipts
	cluster          cluster.Config
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

// What there is to measure, each with its rate where none is given.
var scenarios = map[string]int{
	"group":      20,
	"loginstorm": 500,
	"backlog":    0,
	"presence":   0,
}

// parse reads a command line. An error matches command.ErrUsage, or flag.ErrHelp when the help was
// asked for and printed.
func parse(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.scenario, "scenario", "group", "`name`: group, loginstorm, backlog or presence")
	f.IntVar(&o.rate, "rate", 0, "messages a second (default 20 for all groups together, 500 with loginstorm); not for backlog and presence")
	f.DurationVar(&o.duration, "duration", 40*time.Second, "`time` for which messages are sent; with loginstorm half of it is before that begins; not for backlog")
	f.DurationVar(&o.warmup, "warmup", 15*time.Second, "`time` of that which is not measured; with loginstorm it is a tenth of each half, whatever stands here; not for backlog")
	f.IntVar(&o.pairs, "pairs", 0, "`number` of pairs of clients (default 200); for loginstorm alone")
	f.IntVar(&o.cluster.Edges, "edges", 2, "`number` of edges")
	f.IntVar(&o.cluster.Brokers, "brokers", 1, "`number` of nats-servers, 1 or 3")
	f.IntVar(&o.cluster.Partitions, "partitions", 1, "`number` of partitions")
	f.IntVar(&o.cluster.Processors, "processors", 0, "`number` of processors that each process of the cluster uses at once; 0 for all, which costs delay where there are fewer than busy processes")
	f.IntVar(&o.size, "size", 100, "`bytes` of a message's content")
	receipts := f.String("receipts", string(load.Pongs), "how recipients acknowledge: pong or received; with loginstorm and backlog it is pong, whatever stands here")
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
	f.StringVar(&o.profiles, "profiles", "", "`folder` for profiles; not for loginstorm")
	f.BoolVar(&o.keep, "keep", false, "keep the processes' logs and stores after a good run, too")
	if err := command.Parse(f, args); err != nil {
		return o, err
	}
	if o.receipts, err = load.ParseReceipts(*receipts); err != nil {
		return o, fmt.Errorf("%w: -receipts: %w", command.ErrUsage, err)
	}
	if o.way, err = load.ParseStormWay(*way); err != nil {
		return o, fmt.Errorf("%w: -to: %w", command.ErrUsage, err)
	}
	otherwise, known := scenarios[o.scenario]
	if !known {
		return o, fmt.Errorf("%w: -scenario: there is none that is called %q", command.ErrUsage, o.scenario)
	}
	o.rate = or(o.rate, otherwise)
	err = o.check()
	return o, err
}

// check refuses what nothing can be measured with.
func (o *options) check() error {
	if err := errors.Join(
		command.AtLeast("-rate", o.rate, 0),
		command.AtLeast("-duration", int(o.duration), 1),
		command.AtLeast("-warmup", int(o.warmup), 0),
		command.AtLeast("-pairs", o.pairs, 0),
		command.AtLeast("-edges", o.cluster.Edges, 1),
		command.AtLeast("-partitions", o.cluster.Partitions, 1),
		command.AtLeast("-processors", o.cluster.Processors, 0),
		command.AtLeast("-size", o.size, 0),
		command.AtLeast("-identities", o.identities, 0),
		command.AtLeast("-contacts", o.contacts, 1),
		command.AtLeast("-groups", o.groups, 1),
		command.AtLeast("-members", o.members, 2),
		command.AtLeast("-window", int(o.window), 1),
		command.AtLeast("-flap", o.flap, 0),
		command.AtLeast("-each", o.each, 1),
		command.AtLeast("-at-once", o.atOnce, 1),
		command.AtLeast("-logins", o.logins, 1),
		command.AtLeast("-accounts", o.accounts, 1),
	); err != nil {
		return err
	}
	if o.scenario == "presence" && o.contacts >= or(o.identities, 1000) {
		return fmt.Errorf("%w: -contacts: %d people have at most %d each", command.ErrUsage, or(o.identities, 1000), or(o.identities, 1000)-1)
	}
	if o.kill && o.cluster.Edges < 2 {
		return fmt.Errorf("%w: -kill: there is no second edge", command.ErrUsage)
	}
	if o.cluster.Brokers != 1 && o.cluster.Brokers != 3 {
		return fmt.Errorf("%w: -brokers: there can be 1 or 3, not %d", command.ErrUsage, o.cluster.Brokers)
	}
	if o.scenario == "group" && o.warmup >= o.duration {
		return fmt.Errorf("%w: -warmup: nothing is measured when %s of -duration %s are not", command.ErrUsage, o.warmup, o.duration)
	}
	return nil
}
