// Command floor serves package floor at an address until it is told to end.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"limegrove/internal/command"
	"limegrove/loadtest/servers/floor"
)

func main() {
	os.Exit(command.Main(run)) //nolint:forbidigo // a main outside of cmd
}

func run(ctx context.Context, args []string, _, stderr io.Writer) int {
	return command.Status("floor", serve(ctx, args), stderr)
}

func serve(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w: floor HOST:PORT", command.ErrUsage)
	}
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	return floor.Serve(ctx, ln)
}
