package edge

import "limegrove/lime"

// scratch is what the handling of one envelope needs and nobody keeps. A
// connection takes one from the pool while it is given bytes, so that an idle
// connection has none.
type scratch struct {
	now       instant
	envelopes int  // that were taken of what has come
	whole     bool // what is taken cannot be left for later: it was compressed
	header    lime.Header
	from, to  []byte // texts that replace those of the envelope
	pp        []byte
	envelope  []byte // the envelope with them
	mended    []byte // the envelope as a strict peer can bear it
	frame     []byte // what a dialect makes of an envelope
}
