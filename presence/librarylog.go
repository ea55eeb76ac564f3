package presence

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"
)

// LogLibrary sends what the Redis client library says of its connections to
// log, at level debug: whatever matters comes as an error to a caller. The
// library has one logger in a process, so this is for a program's main, before
// Open. Without it the library writes to standard error.
func LogLibrary(log logrus.FieldLogger) { redis.SetLogger(libraryLog{log}) }

type libraryLog struct{ log logrus.FieldLogger }

// Printf implements the library's logger.
func (l libraryLog) Printf(_ context.Context, format string, args ...any) {
	l.log.Debugf(format, args...)
}
