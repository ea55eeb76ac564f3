package tracing

import (
	"encoding/binary"
	"math/rand/v2"

	"limegrove/lime"
)

// Key is the text of an envelope's metadata that says which trace it is of.
const Key = "traceparent"

// TraceID is that of W3C Trace Context. Zero is none.
type TraceID [16]byte

// SpanID is likewise a step's.
type SpanID [8]byte

// Context is what a traceparent says: version-trace-parent-flags, in hexadecimal. W3C Trace Context, section 3.2.
type Context struct {
	Trace TraceID
	Span  SpanID
	Flags byte
}

// Where the parts of a traceparent stand.
const (
	traceAt = 3
	spanAt  = 36
	flagsAt = 53
	width   = 55
)

// The flags that are known. Others are not passed on by who takes part.
const (
	flagSampled = 1 << iota
	flagRandom
)

// Sampled tells whether the trace is recorded.
func (c Context) Sampled() bool { return c.Flags&flagSampled != 0 }

// parse reads a traceparent of the version that is known, 00.
func parse(text []byte) (c Context, ok bool) {
	if len(text) != width || string(text[:traceAt]) != "00-" || text[spanAt-1] != '-' || text[flagsAt-1] != '-' {
		return c, false
	}
	var flags [1]byte
	ok = unhex(c.Trace[:], text[traceAt:]) && unhex(c.Span[:], text[spanAt:]) && unhex(flags[:], text[flagsAt:])
	c.Flags = flags[0]
	return c, ok && c.Trace != TraceID{} && c.Span != SpanID{}
}

// Is tells whether a text is a traceparent that takes effect.
func Is(text string) bool {
	_, ok := parse([]byte(text))
	return ok
}

const digits = "0123456789abcdef"

// unhex fills dst with what the digits say, which are in lower case.
func unhex(dst, text []byte) bool {
	for i := range dst {
		high, low := digit(text[2*i]), digit(text[2*i+1])
		if high|low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// digit is the value of a digit, and above 15 for what is none.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// write overwrites the parent and the flags of a traceparent.
func (c Context) write(text []byte) {
	for i, b := range c.Span {
		text[spanAt+2*i], text[spanAt+2*i+1] = digits[b>>4], digits[b&15]
	}
	flags := c.Flags & (flagSampled | flagRandom)
	text[flagsAt], text[flagsAt+1] = digits[flags>>4], digits[flags&15]
}

// String is the traceparent.
func (c Context) String() string {
	text := []byte("00-00000000000000000000000000000000-0000000000000000-00")
	for i, b := range c.Trace {
		text[traceAt+2*i], text[traceAt+2*i+1] = digits[b>>4], digits[b&15]
	}
	c.write(text)
	return string(text)
}

// read returns what the traceparent of an envelope says, from which h was scanned, and where that stands in b. text is nil
// without a traceparent.
func read(h *lime.Header, b []byte) (c Context, text []byte, ok bool) {
	if text = h.MetadataText(b, Key); text != nil {
		c, ok = parse(text)
	}
	return c, text, ok
}

// newSpanID and newTraceID are random.
func newSpanID() (id SpanID) {
	for id == (SpanID{}) {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

func newTraceID() (id TraceID) {
	first, second := newSpanID(), newSpanID()
	copy(id[:], first[:])
	copy(id[8:], second[:])
	return id
}
