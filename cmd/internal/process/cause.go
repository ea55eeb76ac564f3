package process

import (
	"context"
	"errors"
	"os"

	"github.com/sirupsen/logrus"
)

// Signal is why a command ends that was asked to.
type Signal struct{ os.Signal }

// Error names the signal.
func (s Signal) Error() string { return "signal: " + s.String() }

// LogDrain says that a process ends whose ctx is done, and why: it was asked to, or a
// part of it has failed, which nobody hears of otherwise until all others have ended.
func LogDrain(ctx context.Context, log logrus.FieldLogger) {
	cause := context.Cause(ctx)
	log = log.WithField("cause", cause)
	if asked := (Signal{}); errors.As(cause, &asked) || errors.Is(cause, context.Canceled) {
		log.Info("draining")
		return
	}
	log.Error("draining: a part has failed")
}
