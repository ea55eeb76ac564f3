package poll

// maxQueueBuffer bounds the buffers of a queue: a long one is a chain.
const maxQueueBuffer = 64 << 10

// queue is bytes on their way out, in order. The zero queue is empty and holds
// no memory.
type queue struct {
	head, tail *buffer
}

func (q *queue) empty() bool { return q.head == nil }

// append copies p behind what is there.
func (q *queue) append(from *pool, p []byte) {
	for len(p) > 0 {
		if q.tail == nil {
			q.head = from.get(len(p))
			q.tail = q.head
		} else if q.tail.room() == 0 {
			q.tail.next = from.get(min(max(len(p), 2*cap(q.tail.b)), maxQueueBuffer))
			q.tail = q.tail.next
		}
		n := min(len(p), q.tail.room())
		q.tail.b = append(q.tail.b, p[:n]...)
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
	taken.tail.next = q.head
	q.head = taken.head
	if q.tail == nil {
		q.tail = taken.tail
	}
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
	q.tail = nil
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
