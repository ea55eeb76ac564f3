package files

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"sort"
)

// marks tell where chunks are: each eighth, in order. They are not changed, but for what is
// appended to them.
type marks []mark

type mark struct {
	offset int64  // in the file, of the chunk's first byte
	seq    uint64 // in the bucket's stream
}

// markEach is how many chunks there are from one mark to the next.
const markEach = 8

// text writes them as Base64 of differences, which takes some six bytes a mark.
func (m marks) text() string {
	var b []byte
	var last mark
	for _, one := range m {
		b = binary.AppendUvarint(b, uint64(one.offset-last.offset))
		b = binary.AppendUvarint(b, one.seq-last.seq)
		last = one
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseMarks(text string) (m marks, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	var last mark
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			b, err = nil, errors.New("marks are cut off")
			return 0
		}
		b = b[n:]
		return v
	}
	for len(b) > 0 && err == nil {
		last.offset += int64(next())
		last.seq += next()
		m = append(m, last)
	}
	return m, err
}

// before is where to read on for what is at an offset: at the last mark that is not behind it.
func (m marks) before(offset int64) (seq uint64) {
	n := sort.Search(len(m), func(i int) bool { return m[i].offset > offset })
	if n == 0 {
		return 1 // of a file without marks, which has chunks nevertheless
	}
	return m[n-1].seq
}
