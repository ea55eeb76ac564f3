package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
)

// Config is what is run. The zero value of a field means its default.
type Config struct {
	Root  string    // of the checkout. Default the current folder
	Suite []Package // Default Suite
	Bench string    // a regular expression for the names of benchmarks. Default all

	// Of Compare alone.

	Old       string // a commit to compare with. Default the baseline's
	Rounds    int    // runs of each benchmark for each side. Default 6, which benchstat needs to tell a difference
	BenchTime string // of a run, as -test.benchtime takes it. Default 200ms
	Folder    string // in Root, for old.txt and new.txt. Default bin/bench
	Benchstat string // the program that compares the two. Default that of PATH

	Out io.Writer // results. Default none
	Log io.Writer // progress. Default none
}

func (c Config) withDefaults() (Config, error) {
	if c.Root == "" {
		c.Root = "."
	}
	if c.Suite == nil {
		c.Suite = Suite
	}
	names, err := regexp.Compile(c.Bench)
	if err != nil {
		return c, fmt.Errorf("names of benchmarks: %w", err)
	}
	if c.Suite = matching(c.Suite, names.MatchString); len(c.Suite) == 0 {
		return c, fmt.Errorf("no benchmark of the suite is called like %q", c.Bench)
	}
	if c.Rounds == 0 {
		c.Rounds = 6
	}
	if c.BenchTime == "" {
		c.BenchTime = "200ms"
	}
	if c.Benchstat == "" {
		c.Benchstat = "benchstat"
	}
	if c.Folder == "" {
		c.Folder = filepath.Join("bin", "bench")
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	return c, nil
}

// Allocations compares what the exact benchmarks allocate with the baseline, which
// takes seconds. An error that matches ErrRise names those that allocate more.
func Allocations(ctx context.Context, cfg Config) error {
	return cfg.inFolder(func(cfg Config, dir string) error {
		base, head, err := readBaseline(cfg.Root)
		if err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
		noteCompiler(cfg.Log, head)
		now, err := build(ctx, cfg.Root, dir, cfg.Suite)
		if err != nil {
			return err
		}
		return checkAllocations(ctx, cfg.Out, now, cfg.Suite, base)
	})
}

// Renew writes the baseline: what the working tree allocates, and the commit that is
// checked out. It measures no times. What the working tree has changed since that commit
// is not in what times are compared with, and Log is told so.
func Renew(ctx context.Context, cfg Config) error {
	if cfg.Bench != "" {
		return errors.New("a baseline has the whole suite")
	}
	return cfg.inFolder(func(cfg Config, dir string) error {
		commit, err := git(ctx, cfg.Root, "rev-parse", "HEAD")
		if err != nil {
			return err
		}
		if changed, err := git(ctx, cfg.Root, "status", "--porcelain", "--", ".", ":!"+Baseline); err != nil {
			return err
		} else if changed != "" {
			_, _ = fmt.Fprintf(cfg.Log, "Times will be compared with %s, without what has changed since:\n%s\n", commit, changed)
		}
		now, err := build(ctx, cfg.Root, dir, cfg.Suite)
		if err != nil {
			return err
		}
		c, err := allocations(ctx, now, cfg.Suite)
		if err != nil {
			return err
		}
		return writeBaseline(ctx, cfg.Root, commit, c)
	})
}

// Compare runs the benchmarks of the baseline's commit and of the working tree in turns,
// has benchstat compare them, and then does what Allocations does.
func Compare(ctx context.Context, cfg Config) error {
	return cfg.inFolder(func(cfg Config, dir string) (err error) {
		base, head, err := readBaseline(cfg.Root)
		if err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
		if cfg.Old == "" {
			cfg.Old = head["commit"]
		}
		remove, err := checkOut(ctx, cfg.Root, cfg.Old, filepath.Join(dir, "tree"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		old, err := build(ctx, filepath.Join(dir, "tree"), filepath.Join(dir, "old"), cfg.Suite)
		if err != nil {
			return err
		}
		now, err := build(ctx, cfg.Root, filepath.Join(dir, "new"), cfg.Suite)
		if err != nil {
			return err
		}
		if err := inTurns(ctx, &cfg, old, now); err != nil {
			return err
		}
		if err := cfg.benchstat(ctx); err != nil {
			return err
		}
		noteCompiler(cfg.Log, head)
		return checkAllocations(ctx, cfg.Out, now, cfg.Suite, base)
	})
}

// benchstat prints what the two files tell.
func (c *Config) benchstat(ctx context.Context) error {
	if _, err := fmt.Fprintf(c.Out, "old is %s, new the working tree; %s, %s\n", c.Old, machine(), runtime.Version()); err != nil {
		return err
	}
	// A throughput is a time told the other way round, and bytes come with objects.
	cmd := exec.CommandContext(ctx, c.Benchstat, "-table=pkg", "-filter=-.unit:(B/s OR B/op)", //nolint:gosec // the operator's own
		"old="+filepath.Join(c.Folder, "old.txt"), "new="+filepath.Join(c.Folder, "new.txt"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Root, c.Out, c.Log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", c.Benchstat, err)
	}
	return nil
}

// inFolder calls do with defaults set and a folder that is removed behind it.
func (c Config) inFolder(do func(cfg Config, dir string) error) (err error) {
	cfg, err := c.withDefaults()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "limegrove-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return do(cfg, dir)
}
