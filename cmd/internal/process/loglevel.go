package process

import (
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/config"
	"limegrove/internal/status"
)

// Level is how severe what is logged is at least: what the configuration says, or what somebody has said since, which goes
// before it until its time is over, or it is taken back. A configuration that is read again meanwhile is what comes after.
type Level struct {
	log *logrus.Logger

	mu         sync.Mutex
	configured logrus.Level
	said       bool
	level      logrus.Level // that was said
	by         string       // who has
	until      time.Time    // zero: until it is taken back
	timer      *time.Timer  // nil without such a time
	number     int          // of what was said
}

// NewLevel takes over the level of a log that keeps to a configuration.
func NewLevel(log *logrus.Logger, cfg config.Shared) *Level {
	return &Level{log: log, configured: cfg.LogLevel}
}

// Configure has the log keep to a configuration, but for the level when another was said.
func (l *Level) Configure(cfg config.Shared) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.configured = cfg.LogLevel
	if l.said {
		l.tellLocked(l.level, logrus.Fields{"will": l.level, "remote": l.by}, "the log keeps the level that somebody has said, and not that of the configuration")
		cfg.LogLevel = l.level
	}
	SetLog(l.log, cfg)
}

// Say puts a level in force for a time, or for 0 until it is taken back; "" takes it back. by is who says so, for the log.
func (l *Level) Say(level string, during time.Duration, by string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if level == "" {
		l.backLocked("somebody has the log keep to the configuration again", by)
		return nil
	}
	will, err := logrus.ParseLevel(level)
	if err != nil || will < logrus.ErrorLevel {
		return fmt.Errorf("%q is none of trace, debug, info, warn and error", level)
	}
	l.stopLocked()
	l.said, l.level, l.by = true, will, by
	fields := logrus.Fields{"will": will, "was": l.log.GetLevel(), "remote": by}
	if during > 0 {
		l.until = time.Now().Add(during)
		fields["until"] = l.until.Format(time.RFC3339)
		number := l.number
		l.timer = time.AfterFunc(during, func() { l.over(number) })
	}
	l.tellLocked(will, fields, "somebody has the log be of another level")
	return nil
}

// over takes back what was said for a time, unless something else was since.
func (l *Level) over(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.number == number {
		l.backLocked("the time of the log's other level is over", l.by)
	}
}

func (l *Level) backLocked(why, by string) {
	l.stopLocked()
	if !l.said {
		return
	}
	l.tellLocked(l.configured, logrus.Fields{"will": l.configured, "was": l.level, "remote": by}, why)
	l.said, l.by = false, ""
}

// tellLocked puts a level in force, and tells of that whatever the levels are.
func (l *Level) tellLocked(will logrus.Level, fields logrus.Fields, what string) {
	l.log.SetLevel(max(logrus.WarnLevel, l.log.GetLevel()))
	l.log.WithFields(fields).Warn(what)
	l.log.SetLevel(will)
}

func (l *Level) stopLocked() {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer, l.until = nil, time.Time{}
	l.number++
}

// State is how it is, for the status page.
func (l *Level) State() status.Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := status.Log{Level: l.configured.String()}
	if l.said {
		s.Level, s.Configured = l.level.String(), l.configured.String()
		if !l.until.IsZero() {
			s.Until = l.until.UTC().Truncate(time.Second)
		}
	}
	return s
}
