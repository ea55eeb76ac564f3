package poll

// maxQueueBuffer bounds the buffers of a queue: a long one is a chain.
const maxQueueBuffer = 64 << 10

// queue is bytes on their way out, in order. The zero queue is empty and holds
// no memory. Its end is looked for: there are few buffers, and mostly one.
type queue struct {
	head *buffer
}

func (q *queue) empty() bool { return q.head == nil }

// tail is the last buffer, or nil.
func (q *queue) tail() *buffer {
	b := q.head
	for b != nil && b.next != nil {
		b = b.next
	}
	return b
}

// append copies p behind what is there.
func (q *queue) append(from *pool, p []byte) {
	if len(p) == 0 {
		return
	}
	tail := q.tail()
	for len(p) > 0 {
		if tail == nil {
			q.head = from.get(len(p))
			tail = q.head
		} else if tail.room() == 0 {
			tail.next = from.get(min(max(len(p), 2*tail.owned()), maxQueueBuffer))
			tail = tail.next
		}
		n := min(len(p), tail.room())
		tail.b = append(tail.b, p[:n]...)
		p = p[n:]
	}
}

// take empties q and returns what was in it.
func (q *queue) take() queue {
	taken := *q
	*q = queue{}
	return taken
}

// putBack puts what remains of a taken queue in front again.
func (q *queue) putBack(taken queue) {
	if taken.empty() {
		return
	}
	taken.tail().next = q.head
	q.head = taken.head
}

// skip removes the first n bytes and returns the buffers that are free by it.
func (q *queue) skip(to *pool, n int) {
	for q.head != nil {
		left := q.head.len()
		if n < left {
			q.head.off += n
			return
		}
		n -= left
		done := q.head
		q.head, done.next = done.next, nil
		to.put(done)
	}
}

// views appends the bytes of at most cap(dst) buffers to dst.
func (q *queue) views(dst [][]byte) [][]byte {
	for b := q.head; b != nil && len(dst) < cap(dst); b = b.next {
		dst = append(dst, b.bytes())
	}
	return dst
}

// release empties q.
func (q *queue) release(to *pool) {
	to.put(q.head)
	*q = queue{}
}
