package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestStatusTellsBadCommandLinesFromBadRuns(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		says   string
	}{
		{nil, Good, ""},
		{flag.ErrHelp, Good, ""},
		{errors.New("edge-1 has ended"), Bad, "load: edge-1 has ended\n"},
		{fmt.Errorf("%w: -rate: less", ErrUsage), Usage, "load: usage: -rate: less\n"},
	} {
		var says strings.Builder
		if status := Status("load", tc.err, &says); status != tc.status || says.String() != tc.says {
			t.Errorf("%v has the status %d, and it says %q", tc.err, status, says.String())
		}
	}
}

func TestASignalEndsTheContext(t *testing.T) {
	status := Main(func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		return 7
	})
	if status != 7 {
		t.Errorf("the status is %d", status)
	}
}

func TestCommandLinesAreFlagsAlone(t *testing.T) {
	for _, tc := range []struct {
		args string
		want error
	}{
		{"-edges 3", nil},
		{"-edges three", ErrUsage},
		{"-nothing", ErrUsage},
		{"-edges 3 more", ErrUsage},
		{"-h", flag.ErrHelp},
	} {
		f := flag.NewFlagSet("load", flag.ContinueOnError)
		f.SetOutput(io.Discard)
		edges := f.Int("edges", 2, "")
		if err := Parse(f, strings.Fields(tc.args)); !errors.Is(err, tc.want) || err == nil && *edges != 3 {
			t.Errorf("%q: %d, %v", tc.args, *edges, err)
		}
	}
}

func TestNumbersAreNoLessThanTheyMayBe(t *testing.T) {
	if err := AtLeast("-edges", 1, 1); err != nil {
		t.Error(err)
	}
	if err := AtLeast("-size", -1, 0); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "-size") {
		t.Errorf("the error is %v", err)
	}
}

func TestLogsOfARunThatFailedAreKept(t *testing.T) {
	broken := errors.New("edge-1 has ended")
	for _, tc := range []struct {
		name string
		keep bool
		err  error
		kept bool
	}{
		{"it failed", false, broken, true},
		{"it was good", false, nil, false},
		{"it was good, and is to be kept", true, nil, true},
		{"somebody has ended it", false, fmt.Errorf("ended: %w", context.Canceled), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var log string
			var says strings.Builder
			err := InFolder("load", tc.keep, &says, func(dir string) error {
				log = filepath.Join(dir, "edge-1.log")
				return errors.Join(os.WriteFile(log, nil, 0o600), tc.err)
			})
			if !errors.Is(err, tc.err) {
				t.Errorf("the error is %v, want %v", err, tc.err)
			}
			if _, err := os.Stat(log); (err == nil) != tc.kept {
				t.Errorf("the log: %v", err)
			}
			if strings.Contains(says.String(), filepath.Dir(log)) != tc.kept {
				t.Errorf("it says %q", says.String())
			}
		})
	}
}
