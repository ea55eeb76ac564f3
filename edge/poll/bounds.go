package poll

import "sync/atomic"

// Bounds are those of Config that may be changed while a group runs. All are to be given.
type Bounds struct {
	MaxUnread, MaxHeld, MaxQueued, QueueLimit int
}

// bounds are those in force. Loops and writers read them without a lock.
type bounds struct {
	unread atomic.Int64
	held   atomic.Int64 // of a loop; not above zero for none
	queued atomic.Int64 // likewise
	queue  atomic.Int64
}

// set puts bounds in force, of which each of so many loops has its part.
func (b *bounds) set(to Bounds, loops int) {
	b.unread.Store(int64(to.MaxUnread))
	b.held.Store(int64(to.MaxHeld / loops))
	b.queued.Store(int64(to.MaxQueued / loops))
	b.queue.Store(int64(to.QueueLimit))
}

// SetBounds has a group keep other bounds from now on. What is above them already stays: nothing is cut before more comes.
// MaxUnread only grows: a frame may have begun that is within the one of before. It may be called from anywhere.
func (g *Group) SetBounds(b Bounds) {
	b.MaxUnread = max(b.MaxUnread, int(g.bounds.unread.Load()))
	g.bounds.set(b, g.cfg.Loops)
}
