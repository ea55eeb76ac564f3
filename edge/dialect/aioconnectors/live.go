package aioconnectors

import "sync"

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

// each calls f for each, which does not block.
func (l *live) each(f func(c *client, end func())) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, end := range l.ends {
		f(c, end)
	}
}
