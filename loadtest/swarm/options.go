package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"limegrove/internal/command"
	"limegrove/loadtest/adapters"
	"limegrove/loadtest/cluster"
	"limegrove/loadtest/fleet"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/servers"
	"limegrove/loadtest/usage"
)

// options are what a command line says.
type options struct {
	plan     fleet.Plan
	rates    []float64 // in turns, on clusters of their own; 0 is a closed loop
	workers  int
	cluster  cluster.Config
	kind     servers.Kind     // of servers that are started; nil for a cluster
	to       []netip.AddrPort // servers that run; none for a cluster
	groups   []usage.Group    // of these
	admin    []string         // where these show their pages
	programs string           // a folder with the edge and the router; "" has them built
	settle   time.Duration
	disturb  int  // how often; 0 leaves it to the scenario
	greedy   bool // attackers do not give way
	apart    bool // and have a processor to themselves
	aside    bool // attackers have a cluster of their own
	warmup   time.Duration
	duration time.Duration
	json     string // a file; "" for none
	profiles string // a folder; "" for none
	keep     bool
	command  []string
}

// defaultSessions is how many there are where there are no pairs.
const defaultSessions = 1000

// parse reads a command line. An error matches command.ErrUsage, or flag.ErrHelp when the help was
// asked for and printed.
func parse(args []string, out io.Writer) (o options, err error) {
	o.command = append([]string{"swarm"}, args...)
	p, l := &o.plan, &o.plan.Load
	f := flag.NewFlagSet("swarm", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&p.Scenario, "scenario", "pairs", "`name`: "+strings.Join(scenario.Names(), ", "))
	f.StringVar(&p.Protocol, "protocol", "lime", "`name` of what clients speak; that of -server, where it is another")
	f.StringVar(&p.Domain, "domain", cluster.Domain, "`name` of the clients' domain")
	f.BoolVar(&p.Silent, "silent", false, "clients do not set their presence")
	f.BoolVar(&p.TLS, "tls", false, "clients connect by TLS, and check no certificate; the edges of a cluster that is started get one")
	f.BoolVar(&p.Compress, "compress", false, "clients have what they are sent compressed; the edges of a cluster that is started do so, at level 1")
	f.IntVar(&p.Clients, "sessions", 0, "`number` of clients; those beyond the pairs are idle, and pairs are among all of them at random (default twice the pairs, or 1000)")
	f.Float64Var(&p.Rate, "connect-rate", 0, "`number` of clients opened a second; 0 for as many as can be")
	f.IntVar(&p.AtOnce, "connecting", 256, "`number` of clients that open at a time")
	f.IntVar(&p.Opening, "opening", 0, "`number` of workers whose clients open at a time, each on a few of the servers; 0 for all, on all of them")
	f.IntVar(&o.workers, "workers", 0, "`number` of worker processes (default as many as the clients need)")
	f.IntVar(&l.Pairs, "pairs", 1000, "`number` of pairs of clients that talk")
	f.BoolVar(&l.Both, "both", false, "both of a pair send")
	f.IntVar(&l.Window, "window", 1, "`number` of messages in flight for each pair, where no rate is given")
	rates := f.String("rate", "", "messages a second of all pairs, at moments that are given by it alone; several, separated by commas, are measured until one does not hold (default a closed loop)")
	f.IntVar(&l.Size, "size", 256, "`bytes` of a message's content")
	f.IntVar(&l.Senders, "senders", 4, "`number` of those in a room who publish")
	f.IntVar(&l.Attackers, "attackers", 0, "`number` of those who attack (default as many as the scenario has)")
	f.IntVar(&o.disturb, "disturbances", 0, "`number` of times that there is an attack, each for as long as it was quiet before (default as often as the scenario has)")
	f.BoolVar(&o.greedy, "greedy", false, "attackers take the processor from others; else they have it while nobody else wants it")
	f.BoolVar(&o.apart, "apart", false, "attackers have one processor, and everything else the others: what is due to the servers, and to no lack of processors (Linux)")
	f.BoolVar(&o.aside, "aside", false, "attackers attack a second cluster, on the same machine (with -apart on their processor): what its being busy costs the others, and not what their servers do")
	f.DurationVar(&l.Within, "within", 2*time.Second, "`time` in which those that a storm cuts off come back, each after a part of it")
	stored := f.Bool("stored", false, "messages have ids: the server keeps them until they are acknowledged")
	receipts := f.Bool("receipts", false, "the same, and recipients send receipts")
	f.DurationVar(&o.settle, "settle", 0, "`time` between the last session's beginning and the load")
	f.DurationVar(&o.warmup, "warmup", 3*time.Second, "`time` of the load that is not measured")
	f.DurationVar(&o.duration, "duration", 20*time.Second, "`time` of the load that is")
	f.IntVar(&o.cluster.Edges, "edges", 2, "`number` of edges of the cluster that is started")
	f.IntVar(&o.cluster.Brokers, "brokers", 1, "`number` of its nats-servers, 1 or 3")
	f.IntVar(&o.cluster.Partitions, "partitions", 1, "`number` of its partitions of stored messages")
	f.IntVar(&o.cluster.Processors, "processors", 0, "`number` of processors that each of its processes uses at once; 0 for all")
	f.IntVar(&o.cluster.EdgeProcessors, "edge-processors", 0, "`number` of processors that each of its edges uses at once (default as -processors)")
	edge := f.String("edge-flags", "", "more `flags` of its edges, separated by spaces")
	kind := f.String("server", limegrove, "`name` of what is started: "+limegrove+", which -edges and the like are for, or "+strings.Join(others(), ", "))
	to := f.String("to", "", "`HOST:PORT` of servers that run, separated by commas, instead of a cluster")
	pids := f.String("pids", "", "`NAME=PID` of their processes, separated by commas; those of one name are measured together")
	admin := f.String("admin", "", "`HOST:PORT` of their pages, separated by commas, so that they collect their garbage before their memory is read")
	f.StringVar(&o.programs, "programs", "", "`folder` with an edge and a router that are built (default they are built now)")
	f.StringVar(&o.json, "json", "", "`file` that all is written to; with several rates the rate is put before its end")
	f.StringVar(&o.profiles, "profiles", "", "`folder` for profiles of the cluster's processes under load")
	f.BoolVar(&o.keep, "keep", false, "keep the processes' logs and stores after a good run, too")
	if err := command.Parse(f, args); err != nil {
		return o, err
	}
	if o.rates, err = numbers(*rates); err != nil {
		return o, fmt.Errorf("%w: -rate: %w", command.ErrUsage, err)
	}
	if o.to, err = addresses(*to); err != nil {
		return o, fmt.Errorf("%w: -to: %w", command.ErrUsage, err)
	}
	if o.groups, err = processes(*pids); err != nil {
		return o, fmt.Errorf("%w: -pids: %w", command.ErrUsage, err)
	}
	o.admin = command.List(*admin)
	l.Mode = scenario.Transient
	switch {
	case *receipts:
		l.Mode = scenario.Receipts
	case *stored:
		l.Mode = scenario.Stored
	}
	if *kind != limegrove {
		if o.kind, err = servers.New(*kind); err != nil {
			return o, fmt.Errorf("%w: -server: %w", command.ErrUsage, err)
		}
		p.Protocol = o.kind.Protocol()
	}
	what, err := scenario.Named(p.Scenario)
	if err != nil {
		return o, fmt.Errorf("%w: -scenario: %w", command.ErrUsage, err)
	}
	if what.Idle || what.Room {
		l.Pairs = 0
	}
	o.cluster.Args = strings.Fields(*edge)
	if what.Attackers == 0 {
		// With few pairs each sends more than an edge lets one session send, and what that drops is lost.
		o.cluster.Args = append([]string{"-max-rate", "0", "-max-bytes-rate", "0"}, o.cluster.Args...)
	} else {
		l.Attackers = cmp.Or(l.Attackers, what.Attackers)
		// All come from this machine, and a private address may be a proxy's, which is let in whatever it does.
		o.cluster.Args = append([]string{"-admission-exempt", "none"}, o.cluster.Args...)
	}
	if p.Compress {
		o.cluster.Args = append([]string{"-compression", "1"}, o.cluster.Args...)
	}
	if p.Clients == 0 {
		p.Clients = cmp.Or(2*l.Pairs, defaultSessions)
		if what.Logins {
			p.Clients += defaultSessions
		}
	}
	return o, o.check()
}

// check refuses what nothing can be measured with.
func (o *options) check() error {
	if _, err := adapters.New(&o.plan); err != nil {
		return fmt.Errorf("%w: -protocol: %w", command.ErrUsage, err)
	}
	if err := errors.Join(
		command.AtLeast("-sessions", o.plan.Clients, max(1, 2*o.plan.Load.Pairs)),
		command.AtLeast("-connecting", o.plan.AtOnce, 1),
		command.AtLeast("-opening", o.plan.Opening, 0),
		command.AtLeast("-workers", o.workers, 0),
		command.AtLeast("-pairs", o.plan.Load.Pairs, 0),
		command.AtLeast("-window", o.plan.Load.Window, 1),
		command.AtLeast("-size", o.plan.Load.Size, 0),
		command.AtLeast("-duration", int(o.duration), 1),
		command.AtLeast("-warmup", int(o.warmup), 0),
		command.AtLeast("-edges", o.cluster.Edges, 1),
		command.AtLeast("-attackers", o.plan.Load.Attackers, 0),
		command.AtLeast("-disturbances", o.disturb, 0),
		command.AtLeast("-partitions", o.cluster.Partitions, 1),
		command.AtLeast("-processors", o.cluster.Processors, 0),
		command.AtLeast("-edge-processors", o.cluster.EdgeProcessors, 0),
	); err != nil {
		return err
	}
	kind, _ := scenario.Named(o.plan.Scenario) // it is known by now
	switch l := &o.plan.Load; {
	case kind.Room && len(o.rates) == 1 && o.rates[0] == 0:
		return fmt.Errorf("%w: -rate: a room needs one", command.ErrUsage)
	case o.plan.Opening > 0 && (o.plan.Rate > 0 || l.Attackers > 0):
		return fmt.Errorf("%w: -opening: not with attackers or a -connect-rate, which are for all servers at once", command.ErrUsage)
	case l.Attackers > 0 && kind.Attackers == 0:
		return fmt.Errorf("%w: -attackers: nobody attacks", command.ErrUsage)
	case o.disturb > 0 && kind.Attackers == 0:
		return fmt.Errorf("%w: -disturbances: nobody attacks", command.ErrUsage)
	case o.aside && (kind.Attackers == 0 || len(o.to) > 0 || o.kind != nil):
		return fmt.Errorf("%w: -aside: for attacks on a cluster that is started", command.ErrUsage)
	case o.apart && (kind.Attackers == 0 || len(o.to) > 0):
		return fmt.Errorf("%w: -apart: for attacks on servers that are started", command.ErrUsage)
	case o.plan.TLS && l.Attackers > 0:
		return fmt.Errorf("%w: -tls: attackers know none", command.ErrUsage)
	case (o.plan.TLS || o.plan.Compress) && o.kind != nil:
		return fmt.Errorf("%w: -server: this one has neither -tls nor -compress", command.ErrUsage)
	case l.Attackers > fleet.MaxClients/2:
		return fmt.Errorf("%w: -attackers: one worker has %d at most", command.ErrUsage, fleet.MaxClients/2)
	case kind.Logins && o.plan.Clients == 2*l.Pairs:
		return fmt.Errorf("%w: -sessions: all of them talk, and nobody is left to log in", command.ErrUsage)
	case kind.Room && (l.Senders < 1 || l.Senders > o.plan.Clients):
		return fmt.Errorf("%w: -senders: there are %d members", command.ErrUsage, o.plan.Clients)
	}
	if o.cluster.Brokers != 1 && o.cluster.Brokers != 3 {
		return fmt.Errorf("%w: -brokers: there can be 1 or 3, not %d", command.ErrUsage, o.cluster.Brokers)
	}
	if o.kind != nil && len(o.to) > 0 {
		return fmt.Errorf("%w: -server: nothing is started with -to", command.ErrUsage)
	}
	if len(o.to) == 0 && len(o.groups) > 0 {
		return fmt.Errorf("%w: -pids: a cluster's own are known", command.ErrUsage)
	}
	return nil
}

// others are the servers that are no cluster.
func others() []string {
	return slices.DeleteFunc(servers.Names(), func(name string) bool { return name == limegrove })
}

// numbers reads a list of positive numbers; none is a zero.
func numbers(text string) (all []float64, err error) {
	if text == "" {
		return []float64{0}, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseFloat(one, 64)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is no number of messages", one)
		}
		all = append(all, n)
	}
	return all, nil
}

// addresses reads a list of addresses.
func addresses(text string) (all []netip.AddrPort, err error) {
	for _, one := range command.List(text) {
		a, err := netip.ParseAddrPort(one)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// processes reads a list of processes with names.
func processes(text string) (all []usage.Group, err error) {
	for _, one := range command.List(text) {
		name, number, _ := strings.Cut(one, "=")
		pid, err := strconv.Atoi(number)
		if err != nil || pid <= 0 || name == "" {
			return nil, fmt.Errorf("%q is not NAME=PID", one)
		}
		i := slices.IndexFunc(all, func(g usage.Group) bool { return g.Name == name })
		if i < 0 {
			i = len(all)
			all = append(all, usage.Group{Name: name})
		}
		all[i].Processes = append(all[i].Processes, usage.PID(pid))
	}
	return all, nil
}
