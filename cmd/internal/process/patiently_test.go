package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"limegrove/routing/stream"
)

// starting is a process that only waits.
func starting() (*Process, *test.Hook) {
	log, lines := test.NewNullLogger()
	return &Process{Log: log}, lines
}

// wantReady asks as /readyz does.
func (p *Process) wantReady(t *testing.T, reason string) {
	t.Helper()
	got := ""
	if err := p.checkStarted(t.Context()); err != nil {
		got = err.Error()
	}
	if got != reason {
		t.Errorf("not ready because of %q, want %q", got, reason)
	}
}

func TestWaitGrowsAndIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, lines := starting()
		p.wantReady(t, "starting")
		const tries = 8
		var pauses []int64 // in ms
		last, n := time.Now(), 0
		err := p.Patiently(t.Context(), "the accounts", func(context.Context) error {
			if n++; n > 1 {
				pauses = append(pauses, time.Since(last).Milliseconds())
				p.wantReady(t, "JetStream cannot answer; waiting for the accounts")
			}
			last = time.Now()
			if n == tries {
				return nil
			}
			return fmt.Errorf("open: %w", stream.ErrUnavailable)
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []int64{100, 200, 400, 800, 1600, 2000, 2000}; !slices.Equal(pauses, want) {
			t.Errorf("pauses of %v ms, want %v", pauses, want)
		}
		var warnings []string
		for _, line := range lines.AllEntries() {
			if line.Level == logrus.WarnLevel {
				warnings = append(warnings, line.Message)
			}
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], "waiting for the accounts") {
			t.Errorf("warned of %q", warnings)
		}
		p.Started()
		p.wantReady(t, "")
	})
}

func TestWhatDoesNotPassIsNotWaitedFor(t *testing.T) {
	for _, want := range []error{nil, jetstream.ErrJetStreamNotEnabled, errors.New("other settings")} {
		p, lines := starting()
		tries := 0
		err := p.Patiently(t.Context(), "it", func(context.Context) error { tries++; return want })
		if !errors.Is(err, want) || tries != 1 {
			t.Errorf("after %d tries %v, want %v", tries, err, want)
		}
		if all := lines.AllEntries(); len(all) > 0 {
			t.Errorf("%v: told %q", want, all[0].Message)
		}
	}
}

// TestWaitEndsWithItsContext: in a pause and in a try.
func TestWaitEndsWithItsContext(t *testing.T) {
	failed := errors.New("the admin pages have failed")
	pausing := func(context.Context) error { return stream.ErrUnavailable }
	trying := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, c := range []struct {
		name  string
		try   func(context.Context) error
		cause error
		exit  int
		tells string
	}{
		{"asked in a pause", pausing, nil, exitDrained, ""},
		{"asked in a try", trying, nil, exitDrained, ""},
		{"a signal", pausing, Signal{syscall.SIGTERM}, exitDrained, ""},
		{"something has failed", pausing, failed, exitFailed, failed.Error() + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := starting()
				ctx, cancel := context.WithCancelCause(t.Context())
				ended := make(chan error)
				go func() { ended <- p.Patiently(ctx, "it", c.try) }()
				time.Sleep(time.Hour)
				synctest.Wait()
				began := time.Now()
				cancel(c.cause)
				err := <-ended
				if took := time.Since(began); took != 0 {
					t.Errorf("it took %s", took)
				}
				var told strings.Builder
				if code := exitCode(err, &told); code != c.exit || told.String() != c.tells {
					t.Errorf("exits with %d and %q", code, told.String())
				}
			})
		})
	}
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{
		exitDrained: flag.ErrHelp,
		exitFailed:  context.Canceled, // of something else than a wait
		exitUsage:   fmt.Errorf("%w: -x", ErrUsage),
	} {
		if got := exitCode(err, io.Discard); got != want {
			t.Errorf("%v: %d", err, got)
		}
	}
}
