package protocol

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// ErrBusy says that the server takes the client later.
var ErrBusy = errors.New("the server is busy")

// Stamp tells the messages of a run apart, and when each was to be sent. It travels with the
// message, so that nothing is remembered of those that are under way.
type Stamp struct {
	Stream uint32        // from one sender to one recipient, or to one room
	Number uint32        // from 0 on, in the order in which the stream's messages are sent
	Due    time.Duration // when it was to be sent, from the run's epoch on
}

// StampLen is how long a stamp is as text.
const StampLen = 32

// Append appends the stamp as text, of hexadecimal digits alone.
func (s Stamp) Append(to []byte) []byte {
	var b [StampLen / 2]byte
	binary.BigEndian.PutUint32(b[:], s.Stream)
	binary.BigEndian.PutUint32(b[4:], s.Number)
	binary.BigEndian.PutUint64(b[8:], uint64(s.Due))
	return hex.AppendEncode(to, b[:])
}

// ParseStamp reads a stamp at the beginning of a text.
func ParseStamp(text []byte) (s Stamp, ok bool) {
	if len(text) < StampLen {
		return s, false
	}
	var b [StampLen / 2]byte
	if _, err := hex.Decode(b[:], text[:StampLen]); err != nil {
		return s, false
	}
	return Stamp{
		Stream: binary.BigEndian.Uint32(b[:]),
		Number: binary.BigEndian.Uint32(b[4:]),
		Due:    time.Duration(binary.BigEndian.Uint64(b[8:])),
	}, true
}
