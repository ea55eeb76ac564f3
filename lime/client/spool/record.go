package spool

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	magic    = "limegrove spool 1\n"
	headSize = 8
	bodySize = 9       // of one that is removed
	maxBody  = 1 << 30 // what is longer is no length
)

// Kinds of records.
const (
	kindPut    byte = 1
	kindRemove byte = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one in a file. Its texts alias what it was read from.
type record struct {
	kind      byte
	number    uint64
	mediaType []byte
	text      []byte
}

// appendRecord borrows what r has.
func appendRecord(dst []byte, r record) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, headSize)...)
	dst = append(dst, r.kind)
	dst = binary.LittleEndian.AppendUint64(dst, r.number)
	if r.kind == kindPut {
		dst = binary.AppendUvarint(dst, uint64(len(r.mediaType)))
		dst = append(dst, r.mediaType...)
		dst = append(dst, r.text...)
	}
	body := dst[start+headSize:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(body))) // below maxBody, as Put makes sure
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(body, castagnoli))
	return dst
}

// readRecord reads the record that b begins with. size is how long it is, also when its sum is
// wrong, which is when it is not ok; 0 when what begins there is not a whole record.
func readRecord(b []byte) (r record, size int, ok bool) {
	if len(b) < headSize+bodySize {
		return r, 0, false
	}
	n := binary.LittleEndian.Uint32(b)
	if n < bodySize || n > maxBody || int(n) > len(b)-headSize {
		return r, 0, false
	}
	size = headSize + int(n)
	body := b[headSize:size]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return r, size, false
	}
	r.kind, r.number = body[0], binary.LittleEndian.Uint64(body[1:])
	switch body = body[bodySize:]; r.kind {
	case kindRemove:
		return r, size, len(body) == 0
	case kindPut:
		length, used := binary.Uvarint(body)
		if used <= 0 || length > uint64(len(body)-used) {
			return r, size, false
		}
		r.mediaType, r.text = body[used:used+int(length)], body[used+int(length):] // no longer than body
		return r, size, true
	}
	return r, size, false
}
