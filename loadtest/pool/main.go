// Command pool tells what several runs of one attack say together:
//
//	for i in 1 2 3 4; do bin/swarm -scenario slow -pairs 200 -rate 2000 -duration 240s -disturbances 2 -json slow$i.json; done
//	go run ./loadtest/pool slow?.json
//
// It prints how much the others' delays have grown by while they were attacked, and the interval in which that lies with a probability of
// nine tenths: see measure.Pool.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"limegrove/internal/command"
	"limegrove/loadtest/measure"
)

func main() {
	os.Exit(command.Main(run)) //nolint:forbidigo // a main outside of cmd
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) int {
	return command.Status("pool", pool(args, stdout, stderr), stderr)
}

func pool(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("pool", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { _, _ = fmt.Fprintln(stderr, "usage: pool FILE..., of swarm -json") }
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w: %w", command.ErrUsage, err)
	}
	if f.NArg() == 0 {
		return fmt.Errorf("%w: FILE... is missing: what swarm -json has written", command.ErrUsage)
	}
	var all []*measure.Report
	for _, name := range f.Args() {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		r := new(measure.Report)
		if err := json.Unmarshal(text, r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, r)
	}
	p, err := measure.Pool(all)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s, %d runs, %d pairs of phases: p50 %s, p99 %s\n", all[0].Scenario, p.Runs, p.Pairs, text(p.P50), text(p.P99))
	return err
}

func text(i measure.Interval) string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", i.Ratio, i.Low, i.High)
}
