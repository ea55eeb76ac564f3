package aioconnectors

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"unicode/utf8"
)

// A frame is four bytes with the length of the rest, and the rest: a header of at most
// maxHeader bytes behind two bytes with its length, data behind four, and a binary part, if the
// header says so, behind four. Integers are little-endian.
const (
	sizeLen   = 4
	headerLen = 2
	partLen   = 4

	// minRest is the shortest rest: an empty object, and no data.
	minRest = headerLen + len("{}") + partLen

	maxHeader = math.MaxUint16
)

// errFrame is the only error about frames: their sender is told nothing.
var errFrame = errors.New("The bytes are no frame of aioconnectors") //nolint:staticcheck // it is a reason's description

// frame is the parts of one; they alias it, until done.
type frame struct {
	header members
	data   []byte
	binary []byte // nil when there is none
}

var frames = sync.Pool{New: func() any { return new(frame) }}

// maxKept is how many members of an object there is room for in a pool.
const maxKept = 64

// done gives it back to the pool.
func (f *frame) done() {
	if cap(f.header) <= maxKept {
		clear(f.header)
		*f = frame{header: f.header[:0]}
		frames.Put(f)
	}
}

// size is that of a dialect.Framed.
func size(b []byte) (n int, err error) {
	if len(b) < sizeLen {
		return 0, nil
	}
	rest := binary.LittleEndian.Uint32(b)
	if rest < uint32(minRest) {
		return 0, errFrame
	}
	return int(min(int64(rest)+sizeLen, math.MaxInt32)), nil // nobody takes as much
}

// parse reads a whole frame. The header is one JSON object, and the lengths have to be those of
// the frame: A-40.
func (f *frame) parse(b []byte) error {
	rest := b[sizeLen:]
	n := int(binary.LittleEndian.Uint16(rest))
	if rest = rest[headerLen:]; len(rest) < n {
		return errFrame
	}
	header, rest := rest[:n], rest[n:]
	if !utf8.Valid(header) || !f.header.parse(header) {
		return errFrame
	}
	var ok bool
	if f.data, rest, ok = part(rest); !ok {
		return errFrame
	}
	f.binary = nil
	if f.header.isTrue("with_binary") {
		if f.binary, rest, ok = part(rest); !ok {
			return errFrame
		}
	}
	if len(rest) > 0 {
		return errFrame
	}
	return nil
}

// part cuts a part off that has its length before it.
func part(b []byte) (p, rest []byte, ok bool) {
	if len(b) < partLen {
		return nil, nil, false
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if b = b[partLen:]; int64(len(b)) < n {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

// writer appends one frame, part by part.
type writer struct {
	b     []byte
	begin int
}

// write begins a frame with its header's first member, which is plain text.
func write(dst []byte, kind string) writer {
	w := writer{b: dst, begin: len(dst)}
	w.b = append(w.b, make([]byte, sizeLen+headerLen)...)
	w.b = append(w.b, `{"message_type":`...)
	w.b = appendText(w.b, kind)
	return w
}

// text appends a member that is a text, unless that is "".
func (w *writer) text(name, text string) {
	if text != "" {
		w.name(name)
		w.b = appendText(w.b, text)
	}
}

// raw appends a member with a JSON value; nil is none.
func (w *writer) raw(name string, value []byte) {
	if value != nil {
		w.name(name)
		w.b = append(w.b, value...)
	}
}

// name begins a member. Its name has nothing to escape.
func (w *writer) name(name string) {
	w.b = append(append(append(w.b, `,"`...), name...), `":`...)
}

// headed ends the header. It is not ok when that is too long.
func (w *writer) headed() (ok bool) {
	w.b = append(w.b, '}')
	n := len(w.b) - w.begin - sizeLen - headerLen
	binary.LittleEndian.PutUint16(w.b[w.begin+sizeLen:], uint16(n&maxHeader))
	return n <= maxHeader
}

// open begins a part, and close ends it.
func (w *writer) open() (at int) {
	w.b = append(w.b, make([]byte, partLen)...)
	return len(w.b)
}

func (w *writer) close(at int) { binary.LittleEndian.PutUint32(w.b[at-partLen:], uint32(len(w.b)-at)) }

// part appends a whole one.
func (w *writer) part(p []byte) {
	at := w.open()
	w.b = append(w.b, p...)
	w.close(at)
}

// done ends the frame.
func (w *writer) done() []byte {
	w.close(w.begin + sizeLen)
	return w.b
}
