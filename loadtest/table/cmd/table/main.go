package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"limegrove/internal/command"
	"limegrove/loadtest/table"
)

func main() {
	os.Exit(command.Main(run)) //nolint:forbidigo // a main outside of cmd
}

// options are what a command line says.
type options struct {
	swarm    string
	programs string
	results  string
	page     string
	rows     []row
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err == nil {
		err = errors.Join(o.measure(ctx, stdout, stderr), o.write())
	}
	return command.Status("table", err, stderr)
}

func parse(args []string, out io.Writer) (o options, err error) {
	var all []string
	for _, one := range rows {
		all = append(all, one.name)
	}
	f := flag.NewFlagSet("table", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.swarm, "swarm", "bin/swarm", "`program`")
	f.StringVar(&o.programs, "programs", "bin", "`folder` with an edge and a router")
	f.StringVar(&o.results, "results", "loadtest/results", "`folder` for a file of each row")
	f.StringVar(&o.page, "page", "loadtest/README.md", "`file` with the table")
	only := f.String("rows", strings.Join(all, ","), "`names` of rows that are measured, separated by commas; \"\" writes the table alone")
	if err := command.Parse(f, args); err != nil {
		return o, err
	}
	for _, name := range command.List(*only) {
		i := slices.Index(all, name)
		if i < 0 {
			return o, fmt.Errorf("%w: -rows: there is no %q", command.ErrUsage, name)
		}
		o.rows = append(o.rows, rows[i])
	}
	return o, nil
}

// line is the command line of a row, for people.
func line(one *row) []string { return append([]string{"bin/swarm"}, strings.Fields(one.args)...) }

// measure measures the rows.
func (o *options) measure(ctx context.Context, stdout, stderr io.Writer) error {
	if err := os.MkdirAll(o.results, 0o755); err != nil {
		return err
	}
	for _, one := range o.rows {
		if err := o.measureOne(ctx, &one, one.name, nil, stdout, stderr); err != nil {
			return err
		}
		if one.floor != noFloor {
			floor := append([]string{"-server", "floor"}, strings.Fields(one.floor)...)
			if err := o.measureOne(ctx, &one, one.name+floorEnd, floor, stdout, stderr); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureOne measures a row into a file. Messages that were lost are no error: the table says so.
func (o *options) measureOne(ctx context.Context, one *row, name string, more []string, stdout, stderr io.Writer) error {
	file := filepath.Join(o.results, name+".json")
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	args := append(line(one)[1:], more...)
	_, _ = fmt.Fprintf(stdout, "\n%s: swarm %s\n", name, strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, o.swarm, append(args, "-programs", o.programs, "-json", file)...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // so that it ends what it has started
	failed := cmd.Run()
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("measure %s: %w", name, errors.Join(failed, err))
	}
	return nil
}

// write writes the page anew.
func (o *options) write() error {
	text, err := tables(o.results)
	if err != nil {
		return err
	}
	return table.Rewrite(o.page, text)
}
