package embedded

import (
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"
)

// natsLog is the NATS server's logger.
type natsLog struct {
	log   logrus.FieldLogger
	fatal chan string // has room for one: the first thing that stopped the server
}

func newNATSLog(log logrus.FieldLogger) *natsLog {
	if log == nil {
		discard := logrus.New()
		discard.SetLevel(logrus.PanicLevel)
		log = discard
	}
	return &natsLog{log: log, fatal: make(chan string, 1)}
}

// debug tells whether debug lines go anywhere; they are many.
func (l *natsLog) debug() bool {
	switch log := l.log.(type) {
	case *logrus.Logger:
		return log.IsLevelEnabled(logrus.DebugLevel)
	case *logrus.Entry:
		return log.Logger.IsLevelEnabled(logrus.DebugLevel)
	}
	return false
}

// Noticef takes a server's notice: a start prints a dozen, of interest to few.
func (l *natsLog) Noticef(format string, v ...any) { l.log.Debugf(format, v...) }

// Warnf takes a warning. That the streams may take no more is told once, by room,
// and not whenever something is refused.
func (l *natsLog) Warnf(format string, v ...any) {
	if strings.Contains(format, "resource limits exceeded for account") {
		l.log.Debugf(format, v...)
		return
	}
	l.log.Warnf(format, v...)
}

// Errorf takes an error.
func (l *natsLog) Errorf(format string, v ...any) { l.log.Errorf(format, v...) }

// Debugf takes a debug line.
func (l *natsLog) Debugf(format string, v ...any) { l.log.Debugf(format, v...) }

// Tracef takes a line for each protocol message, if tracing were on.
func (l *natsLog) Tracef(format string, v ...any) { l.log.Debugf(format, v...) }

// Fatalf takes what ends the server; unlike the server's own logger it does not end
// the process.
func (l *natsLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
	l.log.Errorf(format, v...)
}
