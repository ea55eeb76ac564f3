package rig

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// clockSource is a library of our own. libfaketime cannot be had in Redis: it allocates
// when it begins, Redis's allocator reads the clock when that begins, and so on.
//
//go:embed clock/clock.c
var clockSource string

// HasClock tells whether the library can be had.
func HasClock() bool { return runtime.GOOS == "linux" }

// buildClock builds the library into a folder. It is for Linux's linker; the path is ""
// elsewhere.
func buildClock(ctx context.Context, dir string) (path string, err error) {
	if !HasClock() {
		return "", nil
	}
	path = filepath.Join(dir, "clock.so")
	cmd := exec.CommandContext(ctx, "gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", path, "-x", "c", "-") //nolint:gosec // our own path
	if err := run(cmd, clockSource); err != nil {
		return "", fmt.Errorf("build the clock, for which `make deps` installs a compiler: %w", err)
	}
	return path, nil
}

// clock is that of one program, which it reads in the file.
type clock struct{ file *os.File }

// openClock makes a clock that is right.
func openClock(path string) (*clock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a clock: %w", err)
	}
	c := &clock{file: file}
	if err := c.set(0); err != nil {
		file.Close()
		return nil, err
	}
	return c, nil
}

// set has the clock show more than the machine's.
func (c *clock) set(ahead time.Duration) error {
	// The program has the file in its memory. The eight bytes lie within one word of it,
	// so that it never sees a part of them.
	text := binary.NativeEndian.AppendUint64(nil, uint64(ahead))
	if _, err := c.file.WriteAt(text, 0); err != nil {
		return fmt.Errorf("set a clock: %w", err)
	}
	return nil
}

// command is a program and its arguments, as one that has this clock.
func (c *clock) command(library, program string, args ...string) (string, []string) {
	return "env", append([]string{"LD_PRELOAD=" + library, "FAULT_CLOCK=" + c.file.Name(), program}, args...)
}

// Clocks tells whether Redis's clock can be set.
func (r *Rig) Clocks() bool { return r.clock != nil }

// SetRedisClock has Redis's clock show so much more than the machine's from now on, over
// all restarts; 0 sets it right.
func (r *Rig) SetRedisClock(ahead time.Duration) error {
	if !r.Clocks() {
		return fmt.Errorf("set Redis's clock: not on %s", runtime.GOOS)
	}
	r.Redis.note("its clock is ahead by " + ahead.String())
	return r.clock.set(ahead)
}
