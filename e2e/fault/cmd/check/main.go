// Command check judges histories of the fault injector. It knows nothing but the
// files that it is given, which are read as one, merged by time.
//
// Its status is 0 when no promise was broken, 1 when one was, and 2 when the command
// line or a history is of no use.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"limegrove/e2e/fault/checker"
	"limegrove/e2e/fault/history"
	"limegrove/internal/command"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // a main outside of cmd
}

func run(args []string, stdout, stderr io.Writer) int {
	var cfg checker.Config
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&cfg.Back, "back", 0, "`time` within which service has to be back after the last fault (default 10s)")
	flags.DurationVar(&cfg.Pause, "pause", 0, "`time` without any accepted that is no steady service (default 2s)")
	flags.IntVar(&cfg.Examples, "examples", 0, "`number` of violations of each class that are shown (default 10)")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: check [flags] HISTORY...") // nobody to tell is no trouble
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return command.Usage
	}
	report, err := checker.Check(history.ReadFiles(flags.Args()...), cfg)
	if err == nil {
		_, err = report.WriteTo(stdout)
	}
	switch {
	case err != nil:
		command.Say(stderr, "check", "%v", err)
		return command.Usage
	case !report.Good():
		return command.Bad
	}
	return command.Good
}
