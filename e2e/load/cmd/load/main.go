// Command load measures a cluster under load; see package load. Run it somewhere in the
// module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"limegrove/e2e/load"
	"limegrove/e2e/programs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "load:", err) // the status tells it, too
		os.Exit(1)                                   //nolint:forbidigo // a main outside of cmd, for measurements alone
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(out)
	scenario := f.String("scenario", "throughput", "`name`: throughput, latency, stalled or backlog")
	rates := f.String("rate", "", "messages a second; for throughput several, separated by commas, until one does not hold")
	duration := f.Duration("duration", 40*time.Second, "`time` for which messages are sent")
	warmup := f.Duration("warmup", 15*time.Second, "`time` of that which is not measured")
	pairs := f.Int("pairs", 0, "`number` of pairs of clients")
	edges := f.Int("edges", 2, "`number` of edges")
	brokers := f.Int("brokers", 1, "`number` of nats-servers, 1 or 3")
	partitions := f.Int("partitions", 1, "`number` of partitions")
	processors := f.Int("processors", 0, "`number` of processors that each process of the cluster uses at once; 0 for all, which costs delay where there are fewer than busy processes")
	size := f.Int("size", 100, "`bytes` of a message's content")
	receipts := f.String("receipts", string(load.Pongs), "how recipients acknowledge: pong or received")
	identities := f.Int("identities", 2000, "`number` of identities that messages wait for")
	each := f.Int("each", 10, "`number` of messages that wait for each")
	atOnce := f.Int("at-once", 500, "`number` of sessions that come back together")
	profiles := f.String("profiles", "", "`folder` for profiles")
	keep := f.Bool("keep", false, "keep the processes' logs and stores")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *processors < 0 {
		return fmt.Errorf("-processors: %d is no number of processors", *processors)
	}
	dir, err := os.MkdirTemp("", "limegrove-load-")
	if err != nil {
		return err
	}
	if *keep {
		if _, err := fmt.Fprintln(out, "logs and stores are in", dir); err != nil {
			return err
		}
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	cluster := load.Cluster{
		Dir: dir, Edges: *edges, Brokers: *brokers, Partitions: *partitions, Recipients: "known", Processors: *processors,
	}
	if cluster.Programs, err = programs.Build(ctx, dir, false); err != nil {
		return err
	}
	throughput := load.Throughput{
		Cluster: cluster, Pairs: or(*pairs, 1000), Duration: *duration, Warmup: *warmup, Size: *size,
		Receipts: load.Receipts(*receipts), Profiles: *profiles, Print: out,
	}
	switch *scenario {
	case "throughput":
		if throughput.Rates, err = numbers(*rates, 5000, 10_000, 15_000, 20_000); err != nil {
			return err
		}
		return throughput.Run(ctx)
	case "latency":
		if throughput.Rates, err = numbers(*rates, 2000); err != nil {
			return err
		}
		for _, brokers := range []int{1, 3} {
			throughput.Cluster.Brokers = brokers
			if err := throughput.Run(ctx); err != nil {
				return err
			}
		}
		return nil
	case "stalled":
		list, err := numbers(*rates, 1000)
		if err != nil {
			return err
		}
		s := load.Stalled{
			Cluster: cluster, Pairs: or(*pairs, 200), Rate: list[0], Duration: *duration / 2, Size: *size, Print: out,
		}
		return s.Run(ctx)
	case "backlog":
		cluster.Recipients = "anyone"
		b := load.Backlog{
			Cluster: cluster, Identities: *identities, Each: *each, Size: *size, AtOnce: *atOnce, Profiles: *profiles, Print: out,
		}
		return b.Run(ctx)
	}
	return fmt.Errorf("there is no scenario %q", *scenario)
}

// or returns n, or another number when it is 0.
func or(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}

// numbers reads a list of positive numbers.
func numbers(text string, otherwise ...int) (all []int, err error) {
	if text == "" {
		return otherwise, nil
	}
	for _, one := range strings.Split(text, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("-rate: %q is no number of messages", one)
		}
		all = append(all, n)
	}
	return all, nil
}
