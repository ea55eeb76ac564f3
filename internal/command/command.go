package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// What a status says.
const (
	Good  = 0 // all was done, or help was asked for
	Bad   = 1 // something was not, or what was measured is not as it should be
	Usage = 2 // the command line is of no use
)

// Main calls run with the process's command line and returns its status. A signal to end, of a
// keyboard or of another process, ends the context that run has.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) int) (status int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// Status is that of a program which ends with err. It tells people about it, in the program's name.
func Status(name string, err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return Good
	}
	Say(stderr, name, "%v", err)
	if errors.Is(err, ErrUsage) {
		return Usage
	}
	return Bad
}

// Say tells people something, in a program's name. Nobody to tell is no trouble.
func Say(to io.Writer, name, format string, args ...any) {
	_, _ = fmt.Fprintf(to, name+": "+format+"\n", args...)
}
