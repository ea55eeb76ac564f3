package complaint

import (
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Log is a log of such troubles. It may be used by many goroutines at once, and not be copied.
type Log struct {
	Logger logrus.FieldLogger
	// Pause is the least time between two lines that say the same. Default 10s.
	Pause time.Duration

	mu   sync.Mutex
	last map[string]*trouble // by what it says
}

const defaultPause = 10 * time.Second

// trouble is what was said of one kind.
type trouble struct {
	at     time.Time
	others int // since then
}

// Warn logs a trouble, unless the same was said a moment ago. says is one of few texts; why is an error,
// or what there is in place of one.
func (l *Log) Warn(says string, why any) { l.Tell(logrus.WarnLevel, says, why, nil) }

// Error is Warn of what has failed on our side.
func (l *Log) Error(says string, why any) { l.Tell(logrus.ErrorLevel, says, why, nil) }

// apart are fields of few values: what is said with one is not the same as with another.
var apart = []string{"partition", "endpoint", "path", "operation"}

// Tell is Warn at a level, Warn's or above, with fields of the one that is logged. A why of nil is none.
func (l *Log) Tell(level logrus.Level, says string, why any, fields logrus.Fields) {
	kind := says
	for _, name := range apart {
		if v, is := fields[name]; is {
			kind += fmt.Sprint("\x00", v)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.last[kind]
	if known == nil {
		known = &trouble{}
		if l.last == nil {
			l.last = map[string]*trouble{}
		}
		l.last[kind] = known
	}
	pause := l.Pause
	if pause == 0 {
		pause = defaultPause
	}
	if time.Since(known.at) < pause {
		known.others++
		return
	}
	line := l.Logger.WithFields(fields).WithField("others", known.others)
	if why != nil {
		line = line.WithField(logrus.ErrorKey, why)
	}
	if level <= logrus.ErrorLevel {
		line.Error(says)
	} else {
		line.Warn(says)
	}
	known.at, known.others = time.Now(), 0
}
