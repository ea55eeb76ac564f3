package poll

import "sync"

// Frames are frames that go to many connections, one behind the other in one piece of memory. They are made by
// Add, once, and nobody changes them when one connection has been given some: its queue refers to them for as
// long as its socket takes them at once. What it does not take is copied, so that a peer that does not
// read holds its own bytes alone. The last who refers to them leaves them to the collector.
type Frames struct {
	b    []byte
	ends []int // where in b each of them ends
	most int   // bytes of the longest
}

// NewFrames returns no frames, with room for so many bytes of so many.
func NewFrames(bytes, frames int) *Frames {
	return &Frames{b: make([]byte, 0, bytes), ends: make([]int, 0, frames)}
}

// Add copies head and then body behind the other frames, as one. It borrows both.
func (f *Frames) Add(head, body []byte) {
	f.b = append(append(f.b, head...), body...)
	f.ends = append(f.ends, len(f.b))
	f.most = max(f.most, len(head)+len(body))
}

// begin is where in b the frame i begins.
func (f *Frames) begin(i int) int {
	if i == 0 {
		return 0
	}
	return f.ends[i-1]
}

// Size is how many bytes the frames have from the one with the number from on, and before the number to.
func (f *Frames) Size(from, to int) int { return f.ends[to-1] - f.begin(from) }

// AppendFrames queues the frames of f from the one with the number from on, and before the number to: n of
// them, as if each was given to Append. When these are not all, the error says why the next one was not
// taken: ErrFull, ErrTooLong or ErrClosed. The caller must Flush in the end.
func (c *Conn) AppendFrames(f *Frames, from, to int) (n int, err error) {
	for from+n < to {
		var took int
		if took, err = c.enqueueFrames(f, from+n, to); err != nil {
			return n + took, err
		}
		n += took
	}
	return n, nil
}

// enqueueFrames is AppendFrames of as many as there is room for at once: all, or one.
func (c *Conn) enqueueFrames(f *Frames, from, to int) (n int, err error) {
	longest := c.loop.group.cfg.MaxAppend
	begin, end := f.begin(from), f.ends[to-1]
	c.mu.Lock()
	defer c.mu.Unlock()
	if to > from+1 && (f.most > longest || !c.hasRoomLocked(end-begin)) {
		to, end = from+1, f.ends[from]
	}
	size := end - begin
	if c.fullLocked(size) && c.startWritingLocked() {
		// The queue is long, but nobody has tried to write it yet.
		c.mu.Unlock()
		c.write()
		c.mu.Lock()
	}
	switch {
	case to == from+1 && size > longest:
		return 0, ErrTooLong
	case c.phase.Load() != phaseOpen:
		return 0, ErrClosed
	case c.fullLocked(size):
		c.wantDrained = true
		return 0, ErrFull
	}
	if c.queue.empty() && !c.writing && !c.blocked && c.stream == nil {
		c.queue.head = refer(f.b[begin:end:end])
	} else {
		c.queue.append(&c.loop.group.pool, f.b[begin:end])
	}
	c.countLocked(size)
	return to - from, nil
}

// references are buffers without bytes of their own.
var references = sync.Pool{New: func() any { return new(buffer) }}

// refer returns a buffer for bytes that are not its own. Nothing can be appended to it.
func refer(p []byte) *buffer {
	b := references.Get().(*buffer)
	b.b, b.shared = p, true
	return b
}

// own copies what is left of a buffer that refers to others' bytes.
func (q *queue) own(from *pool) {
	first := q.head
	if first == nil || !first.shared {
		return
	}
	var copied queue
	copied.append(from, first.bytes())
	rest := queue{first.next}
	first.next = nil
	from.put(first)
	*q = copied
	if !rest.empty() {
		q.tail().next = rest.head
	}
}
