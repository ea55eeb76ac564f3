package router

import (
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// warningPause is the least time between two lines in the log that say the same. In a
// storm of logins without JetStream there are thousands a second.
const warningPause = 10 * time.Second

// warnings are errors that come in crowds: one of each kind is logged now and then,
// with the number of the others since.
type warnings struct {
	log logrus.FieldLogger

	mu   sync.Mutex
	told map[string]*warning // by what it says, of few texts
}

type warning struct {
	at     time.Time
	others int
}

// warn logs err, unless the same was said a moment ago.
func (w *warnings) warn(err error, says string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.told[says]
	if told == nil {
		told = &warning{}
		if w.told == nil {
			w.told = map[string]*warning{}
		}
		w.told[says] = told
	}
	if time.Since(told.at) < warningPause {
		told.others++
		return
	}
	w.log.WithError(err).WithField("others", told.others).Warn(says)
	told.at, told.others = time.Now(), 0
}
