package aioconnectors

import (
	"maps"
	"sync"
)

// live are the connectors that have a session, with what ends that. The zero value is empty.
type live struct {
	mu   sync.Mutex
	ends map[*client]func()
}

func (l *live) add(c *client, end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends == nil {
		l.ends = map[*client]func(){}
	}
	l.ends[c] = end
}

func (l *live) remove(c *client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, c)
}

// all are those that are there now: what is done with each holds up nobody who comes or goes.
func (l *live) all() map[*client]func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.ends)
}
