package client

import (
	"fmt"
	"io"

	"limegrove/lime"
)

const (
	smallBuffer = 4 << 10  // of an idle connection
	largeBuffer = 64 << 10 // beyond which a buffer is given back when it is empty
)

// stream finds the envelopes in what a server sends, which may come in any pieces, also
// over WebSocket (L-TRN-04, L-TRN-07).
type stream struct {
	from io.Reader
	max  int // bytes of an envelope

	split lime.Splitter
	buf   []byte
	start int // of the envelope that is being read
	seen  int // up to where split has looked
	end   int // of what was read
}

func newStream(from io.Reader, limit int) *stream {
	return &stream{from: from, max: limit, buf: make([]byte, smallBuffer)}
}

// next returns the next envelope, which aliases the stream's buffer and is good until
// the next call.
func (s *stream) next() ([]byte, error) {
	for {
		n, done, err := s.split.Next(s.buf[s.seen:s.end])
		s.seen += n
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		if !done && !s.split.Inside() {
			s.start = s.seen // white space
		}
		if s.seen-s.start > s.max {
			return nil, fmt.Errorf("%w: %w: more than %d bytes", ErrProtocol, ErrTooLong, s.max)
		}
		if done {
			envelope := s.buf[s.start:s.seen]
			s.start = s.seen
			return envelope, nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more behind what is there.
func (s *stream) fill() error {
	switch {
	case s.start == s.end:
		s.start, s.seen, s.end = 0, 0, 0
		if len(s.buf) > largeBuffer {
			s.buf = make([]byte, smallBuffer)
		}
	case s.end < len(s.buf):
	case s.start > 0:
		n := copy(s.buf, s.buf[s.start:s.end])
		s.start, s.seen, s.end = 0, s.seen-s.start, n
	default:
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.from.Read(s.buf[s.end:])
	s.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// rest returns what was read and is in no envelope, and forgets it.
func (s *stream) rest() []byte {
	rest := s.buf[s.seen:s.end]
	s.start, s.seen = s.end, s.end
	return rest
}
