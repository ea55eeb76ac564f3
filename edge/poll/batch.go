package poll

// Batch collects the connections that one goroutine appends to, so that all
// the frames for one socket leave in one write. The zero Batch is ready; it
// belongs to one goroutine.
type Batch struct {
	owed []*Conn // whose queue was empty before us: nobody else flushes them
}

// Append is Conn.Append. The frame leaves when b is flushed; if somebody had
// appended to c before and has yet to flush, with theirs, so nobody should put
// that off.
func (b *Batch) Append(c *Conn, head, body []byte) error {
	first, err := c.enqueue(head, body)
	if first {
		b.owed = append(b.owed, c)
	}
	return err
}

// Flush writes what was appended, without blocking.
func (b *Batch) Flush() {
	for i, c := range b.owed {
		b.owed[i] = nil
		c.Flush()
	}
	b.owed = b.owed[:0]
}
