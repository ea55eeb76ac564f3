package poll

import "errors"

// errBlocked says that a socket takes no more for now.
var errBlocked = errors.New("poll: the socket is full")

// maxViews is how many buffers one system call writes. With the queue's
// doubling buffers that is about half a megabyte.
const maxViews = 16

// maxRounds is how often one writes to a socket before the loop has to go on
// in its next turn: others may append as fast as the peer reads, and who writes
// has more to do.
const maxRounds = 8

// Append copies head and then body into the out queue, as one: no other frame
// gets between them. It borrows both. The caller must Flush in the end, for
// nothing is written before the queue is full. The error is ErrFull, ErrTooLong
// or ErrClosed, and then nothing was queued. An empty queue takes any frame up
// to Config.MaxAppend.
func (c *Conn) Append(head, body []byte) error {
	if told := &c.loop.newcomers.told; !told.Load() {
		told.Store(true)
	}
	_, err := c.enqueue(head, body)
	return err
}

// enqueue is Append. owed tells that the caller is the one who must flush; else
// somebody else has to already.
func (c *Conn) enqueue(head, body []byte) (owed bool, err error) {
	g := c.loop.group
	size := len(head) + len(body)
	if size > g.cfg.MaxAppend {
		return false, ErrTooLong
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fullLocked(size) && c.startWritingLocked() {
		// The queue is long, but nobody has tried to write it yet.
		c.mu.Unlock()
		c.write()
		c.mu.Lock()
	}
	switch {
	case c.phase.Load() != phaseOpen:
		return false, ErrClosed
	case c.fullLocked(size):
		c.wantDrained = true
		return false, ErrFull
	}
	owed = c.queue.empty() && !c.writing
	c.queue.append(&g.pool, head)
	c.queue.append(&g.pool, body)
	c.countLocked(size)
	return owed && size > 0, nil
}

// fullLocked says that the queue has no room for one frame of size bytes.
func (c *Conn) fullLocked(size int) bool { return c.queued > 0 && !c.hasRoomLocked(size) }

// hasRoomLocked says that the queue's bounds allow size bytes more.
func (c *Conn) hasRoomLocked(size int) bool {
	limit := int(c.loop.group.bounds.queue.Load())
	if c.rare != nil {
		limit = int(c.rare.limit)
	}
	return int(c.queued)+size <= limit && !c.loop.overfull()
}

// overfull says that too much waits for all.
func (l *loop) overfull() bool {
	most := l.group.bounds.queued.Load()
	return most > 0 && l.stats.queued.Load() > most
}

// countLocked notes that the out queue has n bytes more.
func (c *Conn) countLocked(n int) {
	c.queued += int32(n)
	c.given += uint32(max(n, 0))
	c.loop.stats.queued.Add(int64(n))
}

// Queued is how many bytes are in the out queue.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.queued)
}

// Position tells how many bytes were queued since the connection began, and how many of
// them are no more in the out queue: the system has them. Both wrap around.
func (c *Conn) Position() (given, taken uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.given, c.given - uint32(c.queued)
}

// SetQueueLimit bounds the out queue, in bytes, instead of Config.QueueLimit.
// What is in it already stays.
func (c *Conn) SetQueueLimit(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rareLocked().limit = int32(n)
}

// WantDrained has Handler.Drained called when the out queue is empty, which it
// may be already.
func (c *Conn) WantDrained() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wantDrained = true
	if c.queued == 0 {
		c.attendLocked()
	}
}

// Flush writes what is queued and does not block: what the socket does not take
// now, the loop writes later.
func (c *Conn) Flush() {
	c.mu.Lock()
	start := !c.queue.empty() && c.startWritingLocked()
	c.mu.Unlock()
	if start {
		c.write()
	}
}

// startWritingLocked makes the caller the one who writes, if nobody is. It must
// then call write, without the lock.
func (c *Conn) startWritingLocked() bool {
	if c.writing || c.blocked || c.phase.Load() >= phaseClosing {
		return false
	}
	c.writing = true
	if c.stream != nil {
		c.loop.streams.Add(1)
	}
	return true
}

// write writes until the queue is empty or the socket full: at once to a
// socket, which never blocks, and on a goroutine to anything else.
func (c *Conn) write() {
	if c.stream == nil {
		c.writeQueue()
		return
	}
	go func() {
		defer c.loop.streams.Done()
		c.writeQueue()
	}()
}

// writeQueue is called by who has set c.writing. While that is set, the socket
// stays open. The lock is not held over a write: appends go to a fresh buffer.
func (c *Conn) writeQueue() {
	pool, stats := &c.loop.group.pool, &c.loop.stats
	c.mu.Lock()
	defer c.mu.Unlock()
	for round := 0; c.phase.Load() < phaseClosing && !c.queue.empty(); round++ {
		if round == maxRounds && c.stream == nil {
			c.leaveToLoopLocked()
			return
		}
		taken := c.queue.take()
		c.mu.Unlock()
		n, err := c.writeOnce(&taken)
		taken.skip(pool, n)
		stats.writes.Add(1)
		stats.bytesOut.Add(uint64(n))
		c.mu.Lock()
		c.countLocked(-n)
		c.queue.putBack(taken)
		if errors.Is(err, errBlocked) {
			c.leaveToLoopLocked()
			return
		} else if err != nil {
			c.closeLocked(err)
		}
	}
	if c.phase.Load() == phaseFinishing && !c.halfClosed {
		c.mu.Unlock()
		err := c.halfClose()
		c.mu.Lock()
		c.halfClosed = true
		if err != nil {
			c.closeLocked(nil) // everything was written; there is nothing to wait for
		}
		c.attendLocked()
	}
	c.writing = false
	if c.phase.Load() >= phaseClosing {
		c.queue.release(pool)
		c.countLocked(-int(c.queued))
		c.attendLocked() // it could not be ended while we wrote
	} else if c.wantDrained {
		c.attendLocked()
	}
}

// leaveToLoopLocked has the loop write on when the socket has room. What waits is the connection's own.
func (c *Conn) leaveToLoopLocked() {
	c.queue.own(&c.loop.group.pool)
	c.writing, c.blocked = false, true
	c.attendLocked()
}

// writeOnce writes the front of q, at most once to a socket. It returns how
// many bytes went out, also when there is an error.
func (c *Conn) writeOnce(q *queue) (int, error) {
	var array [maxViews][]byte
	views := q.views(array[:0])
	if c.stream != nil {
		return c.stream.write(views)
	}
	return socketWrite(int(c.fd), views)
}

// unblocked is told by the loop that the socket takes more.
func (c *Conn) unblocked() {
	c.mu.Lock()
	c.blocked = false
	start := c.startWritingLocked()
	c.mu.Unlock()
	if start {
		c.write()
	}
}

func (c *Conn) halfClose() error {
	if c.stream != nil {
		return c.stream.halfClose()
	}
	return socketHalfClose(int(c.fd))
}
