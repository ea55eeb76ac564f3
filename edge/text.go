package edge

import "sync"

// text is an envelope of the edge's own while it is written, and lent to whoever queues it. Each session is told some when
// it begins, which would leave a garbage of all sizes behind.
type text struct{ b []byte }

// maxText bounds what is kept for the next one.
const maxText = 4 << 10

var texts = sync.Pool{New: func() any { return &text{make([]byte, 0, 512)} }}

// newText returns an empty one.
func newText() *text { return texts.Get().(*text) }

// done gives it back.
func (t *text) done() {
	if cap(t.b) <= maxText {
		t.b = t.b[:0]
		texts.Put(t)
	}
}
