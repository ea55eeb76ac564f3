package routing

import (
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// complaintPause is the least time between two lines in the log that say the same.
const complaintPause = 10 * time.Second

// complaints are troubles that come in crowds: one of each kind is logged now and
// then, with the number of the others. What each costs is counted elsewhere.
type complaints struct {
	log logrus.FieldLogger

	mu   sync.Mutex
	last map[string]*complaint
}

type complaint struct {
	at     time.Time
	others int
}

// warn logs a trouble, unless it was logged a moment ago. kind is one of few texts.
func (c *complaints) warn(kind string, detail any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[string]*complaint{}
	}
	known := c.last[kind]
	if known == nil {
		known = &complaint{}
		c.last[kind] = known
	}
	if time.Since(known.at) < complaintPause {
		known.others++
		return
	}
	c.log.WithField("why", detail).WithField("others", known.others).Warn(kind)
	known.at, known.others = time.Now(), 0
}
