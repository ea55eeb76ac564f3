package rooms

import (
	"sync"

	"github.com/sirupsen/logrus"
)

// trouble tells once when something begins to fail, and once when it does no more.
type trouble struct {
	log          logrus.FieldLogger
	begins, ends string

	mu sync.Mutex
	is bool
}

// note takes what has come of a try, and tells whether it is an error.
func (t *trouble) note(err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if is := err != nil; is != t.is {
		if t.is = is; is {
			t.log.WithError(err).Warn(t.begins)
		} else {
			t.log.Info(t.ends)
		}
	}
	return err != nil
}
