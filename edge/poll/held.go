package poll

import "sync"

// held is what is there of a connection that its handler has not done with: bytes that have come and are unread, and
// what the handler itself keeps. It is owned by the loop, and there is none while there is nothing.
type held struct {
	conn    *Conn
	rest    *buffer // what the handler has left; nil when it was nothing
	need    int     // how long rest must be to be given again
	beside  int     // bytes that the handler keeps: Conn.Hold
	counted int     // bytes that are in the loop's sum

	linked       bool  // it is among those that may be evicted, and counts
	older, newer *held // of the same loop
}

var helds = sync.Pool{New: func() any { return new(held) }}

// holding are the connections of a loop of which something is held, in the order in which that began.
type holding struct{ oldest, newest *held }

func (h *holding) link(one *held) {
	one.linked, one.older = true, h.newest
	if h.newest != nil {
		h.newest.newer = one
	} else {
		h.oldest = one
	}
	h.newest = one
}

// unlink removes one that is linked.
func (h *holding) unlink(one *held) {
	if one.older != nil {
		one.older.newer = one.newer
	} else {
		h.oldest = one.newer
	}
	if one.newer != nil {
		one.newer.older = one.older
	} else {
		h.newest = one.older
	}
	one.linked, one.older, one.newer = false, nil, nil
}

// rest is what the handler has left unread, or nil.
func (c *Conn) rest() *buffer {
	if c.held == nil {
		return nil
	}
	return c.held.rest
}

// Hold has n bytes counted that the handler keeps of what has come, among those that are unread: Config.MaxHeld. It
// replaces what it was told before. It is for Handler.Data alone; HoldAside is for others.
func (c *Conn) Hold(n int) {
	if c.held != nil || n > 0 {
		c.loop.hold(c).beside = n // which give has counted
	}
}

// HoldAside is Hold for any other call: the bytes are counted at once, and connections may be closed for it, this one
// among them. For the loop only.
func (c *Conn) HoldAside(n int) {
	if c.phase.Load() != phaseOpen {
		return
	}
	if c.Hold(n); c.held != nil {
		c.loop.recount(c.held)
	}
}

// hold returns what is held of c, to be changed; recount must follow.
func (l *loop) hold(c *Conn) *held {
	if c.held == nil {
		c.held = helds.Get().(*held)
		c.held.conn = c
		l.holding.link(c.held)
	}
	return c.held
}

// recount counts what is held anew. When that has become more than the loop's part, those go of whom something has
// been held for longest: who sends on is not among them for long.
func (l *loop) recount(h *held) {
	size := h.beside
	if h.rest != nil {
		size += cap(h.rest.b)
	}
	switch {
	case size == 0:
		l.letGo(h)
		return
	case !h.linked:
		return
	}
	grown := size > h.counted
	l.stats.held.Add(int64(size - h.counted))
	h.counted = size
	for most := l.group.bounds.held.Load(); grown && most > 0 && l.holding.oldest != nil && l.stats.held.Load() > most; {
		l.evict(l.holding.oldest)
	}
}

// evict closes a connection because too much is held of all. Its buffer may be in use, and is given back when the
// connection is ended.
func (l *loop) evict(h *held) {
	l.uncount(h)
	l.stats.evicted.Add(1)
	h.conn.Close(ErrHeld)
}

// uncount takes one out of the sum, and those that may be evicted.
func (l *loop) uncount(h *held) {
	if h.linked {
		l.holding.unlink(h)
		l.stats.held.Add(-int64(h.counted))
		h.counted = 0
	}
}

// letGo gives one back of which nothing is held any more.
func (l *loop) letGo(h *held) {
	l.uncount(h)
	h.conn.held = nil
	*h = held{}
	helds.Put(h)
}
