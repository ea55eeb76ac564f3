package hightemplar

import (
	"sync"
	"sync/atomic"
	"time"

	"limegrove/room"
)

// counts are what Status is made of.
type counts struct {
	since        time.Time // set when it is made
	sent, failed atomic.Int64

	mu    sync.Mutex
	open  int
	rooms map[room.Name]int // by how many subscriptions there are
}

// opened notes one connection more, or less.
func (c *counts) opened(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += n
}

func (c *counts) entered(n room.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms[n]++
}

func (c *counts) left(n room.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rooms[n]--; c.rooms[n] <= 0 {
		delete(c.rooms, n)
	}
}

// published notes a copy that was made, and missed that there was no room for it.
func (c *counts) published() { c.sent.Add(1) }

func (c *counts) missed() {
	c.sent.Add(-1)
	c.failed.Add(1)
}

// status is what a client is told.
func (d *Dialect) status() *Status {
	c := &d.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &Status{Connections: c.open, Rooms: len(c.rooms), Since: c.since, Sent: c.sent.Load(), Failed: c.failed.Load()}
	if d.cfg.Triggers != nil {
		s.Triggers = d.cfg.Triggers()
	}
	return s
}
