package poll

import (
	"math/bits"
	"sync"
)

// The size classes of a pool are the powers of two from minBuffer on. Larger
// buffers than the last class are made as needed and left to the collector.
const (
	minBufferBits = 9
	minBuffer     = 1 << minBufferBits
	classes       = 12
	maxBuffer     = minBuffer << (classes - 1)
)

// buffer holds bytes that wait: unread ones of a connection, or a part of its
// out queue. What waits is b[off:].
type buffer struct {
	b      []byte
	off    int
	next   *buffer // in a queue
	shared bool    // b is not its own, and nobody changes it
}

func (b *buffer) len() int      { return len(b.b) - b.off }
func (b *buffer) bytes() []byte { return b.b[b.off:] }
func (b *buffer) room() int     { return cap(b.b) - len(b.b) }

// owned is how many bytes it has of its own.
func (b *buffer) owned() int {
	if b.shared {
		return 0
	}
	return cap(b.b)
}

// pool lends buffers. It belongs to a group and may be used by any goroutine.
type pool struct {
	free [classes]sync.Pool
}

// get returns an empty buffer with room for at least n bytes.
func (p *pool) get(n int) *buffer {
	if n > maxBuffer {
		return &buffer{b: make([]byte, 0, n)}
	}
	class := classOf(n)
	if b, ok := p.free[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, minBuffer<<class)}
}

// put takes b and those behind it.
func (p *pool) put(b *buffer) {
	for b != nil {
		next := b.next
		if b.shared {
			*b = buffer{}
			references.Put(b)
			b = next
			continue
		}
		b.b, b.off, b.next = b.b[:0], 0, nil
		if size := cap(b.b); size <= maxBuffer {
			p.free[classOf(size)].Put(b)
		}
		b = next
	}
}

// extend takes b, which is no queue's, and returns a buffer that holds what
// waits in b and then more. It doubles, so a peer must really send much before
// much is held for it.
func (p *pool) extend(b *buffer, more []byte) *buffer {
	if b.off > 0 && b.room() < len(more) {
		b.b, b.off = b.b[:copy(b.b, b.bytes())], 0
	}
	if b.room() < len(more) {
		large := p.get(max(2*cap(b.b), b.len()+len(more)))
		large.b = append(large.b, b.bytes()...)
		p.put(b)
		b = large
	}
	b.b = append(b.b, more...)
	return b
}

// classOf is the smallest class whose buffers hold n bytes.
func classOf(n int) int {
	if n <= minBuffer {
		return 0
	}
	return bits.Len(uint(n-1)) - minBufferBits
}
