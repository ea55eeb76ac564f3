// Command bench runs the benchmarks of a baseline's commit and of the working tree in
// turns and prints the ratios, with what has changed in their allocations. With
// -allocs it looks at those alone; with -renew it writes the baseline. It ends with 1
// when more is allocated than the baseline says.
package main

import (
	"context"
	"flag"
	"io"
	"os"

	"limegrove/internal/bench"
	"limegrove/internal/command"
)

func main() {
	os.Exit(command.Main(run)) //nolint:forbidigo // a main outside of cmd
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return command.Status("bench", compare(ctx, args, stdout, stderr), stderr)
}

func compare(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg := bench.Config{Out: stdout, Log: stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	allocs := flags.Bool("allocs", false, "compare allocations alone")
	renew := flags.Bool("renew", false, "write "+bench.Baseline)
	flags.StringVar(&cfg.Benchstat, "benchstat", "benchstat", "the `program` that compares times")
	flags.StringVar(&cfg.Bench, "bench", "", "a regular `expression` for the names of benchmarks (default all)")
	flags.StringVar(&cfg.Old, "old", "", "the `commit` to compare times with (default the baseline's)")
	flags.StringVar(&cfg.BenchTime, "benchtime", "200ms", "time or number (100x) of each run")
	flags.IntVar(&cfg.Rounds, "rounds", 6, "runs of each benchmark for each side")
	if err := command.Parse(flags, args); err != nil {
		return err
	}
	switch {
	case *renew:
		return bench.Renew(ctx, cfg)
	case *allocs:
		return bench.Allocations(ctx, cfg)
	default:
		return bench.Compare(ctx, cfg)
	}
}
