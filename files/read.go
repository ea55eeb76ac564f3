package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Reader reads a complete file from any place on. One goroutine uses it; it is not to be closed.
type Reader struct {
	ctx context.Context // of who reads, as io.Reader has none
	s   *Store
	b   bucket
	f   File

	offset int64
	rest   []byte // of the chunk at offset
	next   uint64 // from which sequence on the chunk at offset is, when rest is empty; 0 when that is not known
}

// Open returns a complete file for reading until ctx is done. It returns ErrNotFound, or
// ErrIncomplete with what is known of the file.
func (s *Store) Open(ctx context.Context, id ID) (*Reader, File, error) {
	f, err := s.Describe(ctx, id)
	switch {
	case err != nil:
		return nil, f, err
	case !f.Complete:
		return nil, f, ErrIncomplete
	}
	return &Reader{ctx: ctx, s: s, b: s.bucketOf(id), f: f}, f, nil
}

// Seek is that of io.Seeker. It reads nothing.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.f.Size
	}
	if offset < 0 {
		return r.offset, errors.New("seek to before the file")
	}
	if offset != r.offset {
		r.offset, r.rest, r.next = offset, nil, 0
	}
	return offset, nil
}

// Read is that of io.Reader. A file that is removed meanwhile ends with ErrNotFound.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.offset >= r.f.Size {
		return 0, io.EOF
	}
	if len(r.rest) == 0 {
		if err := r.fetch(); err != nil {
			return 0, fmt.Errorf("read file %s: %w", r.f.ID, err)
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.offset += int64(n)
	r.s.metrics.downloaded.Add(float64(n))
	return n, nil
}

// A replica may be behind for a moment.
const (
	fetchTries = 8
	fetchPause = 25 * time.Millisecond
)

// fetch reads the chunk that offset is in.
func (r *Reader) fetch() error {
	seq := r.next
	if seq == 0 {
		seq = r.f.marks.before(r.offset)
	}
	for tries := 0; ; {
		m, err := r.message(seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			if tries++; tries == fetchTries {
				return ErrNotFound
			}
			select {
			case <-time.After(time.Duration(tries) * fetchPause):
			case <-r.ctx.Done():
				return r.ctx.Err()
			}
			continue
		}
		if err != nil {
			return err
		}
		start, err := strconv.ParseInt(m.Header.Get(headerStart), 10, 64)
		if err != nil {
			return err
		}
		end := start + int64(len(m.Data))
		seq = m.Sequence + 1
		switch {
		case start > r.offset: // what was before is gone
			return ErrNotFound
		case end > r.offset:
			r.rest, r.next = m.Data[r.offset-start:], seq
			return nil
		}
	}
}

// message returns the file's first chunk from a sequence on.
func (r *Reader) message(seq uint64) (*jetstream.RawStreamMsg, error) {
	leave, err := r.s.turn(r.ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.ctx, publishTimeout)
	defer cancel()
	return r.b.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(r.b.chunks(r.f.ID)))
}
