package main

import (
	"context"
	"io"
	"os"

	"limegrove/internal/command"
	"limegrove/loadtest/adapters"
	"limegrove/loadtest/fleet"
)

func main() {
	if fleet.IsWorker(os.Args[1:]) {
		os.Exit(fleet.Main(adapters.New)) //nolint:forbidigo // a main outside of cmd
	}
	os.Exit(command.Main(run)) //nolint:forbidigo // likewise
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err == nil {
		err = command.InFolder("compare", o.keep, stderr, func(dir string) error { return compareAll(ctx, &o, dir, stdout) })
	}
	return command.Status("compare", err, stderr)
}
