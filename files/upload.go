package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const digestSize = sha256.Size

// The headers of a chunk: where it begins and ends in its file, which one it is from 0 on, the state of SHA-256
// at its end, and the marks of the chunks before it.
const (
	headerStart = "Limegrove-Start"
	headerEnd   = "Limegrove-End"
	headerChunk = "Limegrove-Chunk"
	headerHash  = "Limegrove-Hash"
	headerMarks = "Limegrove-Marks"
)

// spareChunks is how many chunks a file may have beyond twice what it needs.
const spareChunks = 1024

// leastRest is from how many bytes on what a broken connection has left is kept.
const leastRest = 64 << 10

// Upload is a file on its way, which one goroutine adds to. It is not to be closed.
type Upload struct {
	s *Store
	b bucket
	f File

	offset int64
	chunks int
	seq    uint64 // of the last chunk
	marks  marks
	sum    hash.Hash
	err    error // once it cannot be gone on with
}

// Resume returns an upload where it stands, as the leader has it: at whichever edge it was
// before. It returns ErrNotFound, or ErrComplete with what the file is.
func (s *Store) Resume(ctx context.Context, id ID) (*Upload, File, error) {
	f, err := s.Describe(ctx, id)
	if err != nil {
		return nil, f, err
	}
	if f.Complete {
		return nil, f, ErrComplete
	}
	u := &Upload{s: s, b: s.bucketOf(id), f: f, sum: sha256.New()}
	if err := u.find(ctx); err != nil {
		return nil, f, fmt.Errorf("resume file %s: %w", id, err)
	}
	return u, f, nil
}

// find reads the last chunk.
func (u *Upload) find(ctx context.Context) error {
	leave, err := u.s.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	header, seq, err := u.b.last(ctx, u.s.cfg.NATS, u.b.chunks(u.f.ID))
	if err != nil || seq == 0 {
		return err
	}
	u.seq = seq
	if u.offset, err = strconv.ParseInt(header.Get(headerEnd), 10, 64); err != nil {
		return err
	}
	if u.chunks, err = strconv.Atoi(header.Get(headerChunk)); err != nil {
		return err
	}
	if u.marks, err = parseMarks(header.Get(headerMarks)); err != nil {
		return err
	}
	start, err := strconv.ParseInt(header.Get(headerStart), 10, 64)
	if err != nil {
		return err
	}
	u.note(start, u.chunks)
	u.chunks++
	state, err := base64.RawStdEncoding.DecodeString(header.Get(headerHash))
	if err != nil {
		return err
	}
	return u.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

// note remembers where the chunk is that was stored last.
func (u *Upload) note(start int64, number int) {
	if number%markEach == 0 {
		u.marks = append(u.marks, mark{start, u.seq})
	}
}

// last returns the headers of the last message of a subject as the leader has it: nats.go asks
// any replica where a stream lets it. seq is 0 when there is none.
func (b bucket) last(ctx context.Context, nc *nats.Conn, subject string) (h nats.Header, seq uint64, err error) {
	question, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	msg, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+b.streamName(), question)
	if err != nil {
		return nil, 0, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
		} `json:"message"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return nil, 0, err
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, 0, nil
	case answer.Error != nil:
		return nil, 0, answer.Error
	}
	h, err = nats.DecodeHeadersMsg(answer.Message.Header)
	return h, answer.Message.Sequence, err
}

// Offset is how many bytes of the file are stored.
func (u *Upload) Offset() int64 { return u.offset }

// ChunkSize is how long the buffer of ReadFrom has to be.
func (s *Store) ChunkSize() int { return s.chunkSize }

// ReadFrom stores what r has, up to the file's end, and returns how much it has stored. What
// was stored stays, whatever the error. An error of r is returned as it is; of what it has
// given before, the last bytes that are few are left out. It borrows buf, of ChunkSize bytes.
func (u *Upload) ReadFrom(ctx context.Context, r io.Reader, buf []byte) (stored int64, err error) {
	for u.offset < u.f.Size {
		most := min(int64(len(buf)), int64(u.s.chunkSize), u.f.Size-u.offset)
		n, err := fill(r, buf[:most])
		ended := err == io.EOF //nolint:errorlint // a wrapped one is no end
		if n > 0 && (int64(n) == most || ended || n >= leastRest) {
			if failed := u.append(ctx, buf[:n]); failed != nil {
				return stored, failed
			}
			stored += int64(n)
		}
		switch {
		case ended:
			return stored, nil
		case err != nil:
			return stored, err
		}
	}
	return stored, nil
}

// fill reads until buf is full or r has an error, which is returned as it is: io.EOF for the
// end, and anything else, io.ErrUnexpectedEOF too, for a source that has broken off.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var more int
		more, err = r.Read(buf[n:])
		n += more
	}
	return n, err
}

// append stores a chunk, which it borrows.
func (u *Upload) append(ctx context.Context, chunk []byte) error {
	if u.err != nil {
		return u.err
	}
	u.err = u.publish(ctx, chunk)
	return u.err
}

func (u *Upload) publish(ctx context.Context, chunk []byte) error {
	if int64(u.chunks) >= 2*(u.f.Size/int64(u.s.chunkSize))+spareChunks {
		return ErrPieces
	}
	u.sum.Write(chunk)
	state, err := u.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return err
	}
	start, end := u.offset, u.offset+int64(len(chunk))
	m := nats.NewMsg(u.b.chunks(u.f.ID))
	m.Data = chunk
	m.Header.Set(headerStart, strconv.FormatInt(start, 10))
	m.Header.Set(headerEnd, strconv.FormatInt(end, 10))
	m.Header.Set(headerChunk, strconv.Itoa(u.chunks))
	m.Header.Set(headerHash, base64.RawStdEncoding.EncodeToString(state))
	m.Header.Set(headerMarks, u.marks.text())
	// What has come is stored though its sender is gone.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	ack, err := u.s.js.PublishMsg(limited, m, jetstream.WithExpectLastSequencePerSubject(u.seq))
	if err != nil {
		return fmt.Errorf("store %d bytes of file %s: %w", len(chunk), u.f.ID, stored(err))
	}
	u.offset, u.seq = end, ack.Sequence
	u.note(start, u.chunks)
	u.chunks++
	u.s.metrics.uploaded.Add(float64(len(chunk)))
	return nil
}

// Whole tells whether all of the file is stored.
func (u *Upload) Whole() bool { return u.offset == u.f.Size }

// Complete makes a whole file one that can be read. It may be called again, by any process:
// after an error, and when nobody knows whether it was. A file with another digest than what was announced is removed, with ErrDigest.
func (u *Upload) Complete(ctx context.Context) (File, error) {
	if !u.Whole() {
		return u.f, ErrIncomplete
	}
	// Nobody but the sender would call it again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	sum := u.sum.Sum(nil)
	if len(u.f.SHA256) > 0 && !bytes.Equal(u.f.SHA256, sum) {
		u.s.metrics.refused.WithLabelValues(refusedDigest).Inc()
		if err := u.s.Remove(ctx, u.f.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return u.f, err
		}
		return u.f, ErrDigest
	}
	f := u.f
	f.SHA256, f.marks = sum, u.marks
	info := jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{
			Name: string(f.ID), Description: f.Name, Metadata: map[string]string{"owner": f.Owner.String(), "type": f.Type},
			Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(u.s.chunkSize)},
		},
		Bucket: u.b.name, NUID: string(f.ID), Size: uint64(f.Size), Chunks: uint32(u.chunks),
		Digest: "SHA-256=" + base64.URLEncoding.EncodeToString(sum),
	}
	text, err := json.Marshal(info)
	if err != nil {
		return f, err
	}
	m := nats.NewMsg(u.b.meta(f.ID))
	m.Data = text
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	if _, err := u.s.js.PublishMsg(ctx, m); err != nil {
		return f, fmt.Errorf("complete file %s: %w", f.ID, stored(err))
	}
	if err := u.s.extend(ctx, &f); err != nil {
		return f, fmt.Errorf("complete file %s: %w", f.ID, err)
	}
	u.s.metrics.completed.Inc()
	return f, nil
}
