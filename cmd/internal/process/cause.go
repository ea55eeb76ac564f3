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

// askedToEnd tells whether ctx is done because the command was asked to end.
func askedToEnd(ctx context.Context) bool {
	cause := context.Cause(ctx)
	_, asked := errors.AsType[Signal](cause)
	_, onPage := errors.AsType[AskedOnPage](cause)
	return asked || onPage || errors.Is(cause, context.Canceled)
}

// LogDrain says that a process ends whose ctx is done, and why: it was asked to, or a
// part of it has failed, which nobody hears of otherwise until all others have ended.
func LogDrain(ctx context.Context, log logrus.FieldLogger) {
	log = log.WithField("cause", context.Cause(ctx))
	if askedToEnd(ctx) {
		log.Info("draining")
		return
	}
	log.Error("draining: a part has failed")
}
