package complaint

import (
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
func (l *Log) Warn(says string, why any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.last[says]
	if known == nil {
		known = &trouble{}
		if l.last == nil {
			l.last = map[string]*trouble{}
		}
		l.last[says] = known
	}
	pause := l.Pause
	if pause == 0 {
		pause = defaultPause
	}
	if time.Since(known.at) < pause {
		known.others++
		return
	}
	l.Logger.WithField(logrus.ErrorKey, why).WithField("others", known.others).Warn(says)
	known.at, known.others = time.Now(), 0
}
