package process

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

func TestTheLogTellsWhyAProcessDrains(t *testing.T) {
	for _, row := range []struct {
		sentence string
		end      func(ctx context.Context) context.Context
		level    logrus.Level
		cause    string
	}{
		{"a signal", func(ctx context.Context) context.Context {
			ctx, end := context.WithCancelCause(ctx)
			end(Signal{syscall.SIGTERM})
			return ctx
		}, logrus.InfoLevel, "signal: terminated"},
		{"a part that fails", func(ctx context.Context) context.Context {
			ctx, end := context.WithCancelCause(ctx)
			parts := NewGroup(end)
			<-parts.Go("gossip", func() error { return errors.New("no memory") })
			_ = parts.Wait()
			return ctx
		}, logrus.ErrorLevel, "gossip: no memory"},
		{"somebody who calls it", func(ctx context.Context) context.Context {
			ctx, end := context.WithCancel(ctx)
			end()
			return ctx
		}, logrus.InfoLevel, context.Canceled.Error()},
	} {
		log, lines := test.NewNullLogger()
		ctx, stop := context.WithCancelCause(row.end(t.Context())) // as a process wraps it
		LogDrain(ctx, log)
		stop(nil)
		if all := lines.AllEntries(); len(all) != 1 || all[0].Level != row.level || all[0].Data["cause"].(error).Error() != row.cause {
			t.Errorf("%s: %v, want one line of level %v with the cause %q", row.sentence, all, row.level, row.cause)
		}
	}
}

func TestASignalIsTheCauseOfARunsEnd(t *testing.T) {
	var cause error
	code := Main(func(ctx context.Context, _ []string, _ func(string) string, _, _ io.Writer) error {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		<-ctx.Done()
		cause = context.Cause(ctx)
		return nil
	}, nil, nil, io.Discard, io.Discard)
	if asked := (Signal{}); code != exitDrained || !errors.As(cause, &asked) || asked.Signal != syscall.SIGTERM {
		t.Errorf("it ends with %d, for %v", code, cause)
	}
}
