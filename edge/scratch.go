package edge

import "limegrove/lime"

// scratch is what the handling of one envelope needs and nobody keeps. A
// connection takes one from the pool while it is given bytes, so that an idle
// connection has none.
type scratch struct {
	now       instant
	envelopes int                         // that were taken of what has come, and what counts as one
	took      [lime.KindSession + 1]tally // the same by their kinds, to be counted
	whole     bool                        // what is taken cannot be left for later: it was compressed
	header    lime.Header
	from, to  []byte // texts that replace those of the envelope
	pp        []byte
	envelope  []byte // the envelope with them
	mended    []byte // the envelope as a strict peer can bear it
	traced    []byte // the envelope with the span of its receipt
	frame     []byte // what a dialect makes of an envelope
}

// note notes that an envelope was taken, whose header was scanned.
func (t *scratch) note() {
	n := &t.took[t.header.Kind]
	n.envelopes++
	n.bytes += t.header.Size
}

// letGo counts what was taken of a client with a scratch, and puts it back.
func (c *conn) letGo(s *scratch) {
	c.meterReceived(s)
	c.edge.traffic.took(&s.took)
	c.edge.scratch.Put(s)
}
