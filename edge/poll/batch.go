package poll

// Batch collects the connections that one goroutine appends to, so that all
// the frames for one socket leave in one write. The zero Batch is ready; it
// belongs to one goroutine.
type Batch struct {
	owed []*Conn // whose queue was empty before us: nobody else flushes them
}

// Append is Conn.Append; the connection is written to when b is flushed, or
// before that by somebody who appended to it earlier.
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
