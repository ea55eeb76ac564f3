package transfer

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // tus asks for it: it is a checksum, and no secret depends on it
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"limegrove/files"
)

// What tus calls itself, and what of it there is.
const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,checksum,expiration,termination"
	tusAlgorithms = "sha1,sha256"

	offsetType = "application/offset+octet-stream"

	// statusChecksum is tus's for bytes that are not what their checksum says.
	statusChecksum = 460
)

// mostChecked is how many bytes a request with a checksum has at most.
const mostChecked = 2 << 20

// options answers what is spoken, and a browser that asks for a page whether it may.
func (s *Server) options(a *answer, r *http.Request) {
	h := a.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Tus-Version", tusVersion)
	h.Set("Tus-Max-Size", strconv.FormatInt(s.cfg.Store.MaxSize(), 10))
	h.Set("Tus-Extension", tusExtensions)
	h.Set("Tus-Checksum-Algorithm", tusAlgorithms)
	if r.Header.Get("Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Range, If-Range, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, "+
			"Upload-Checksum, X-HTTP-Method-Override, X-Requested-With")
		h.Set("Access-Control-Max-Age", "86400")
	}
	a.WriteHeader(http.StatusNoContent)
}

// tus answers a request for an upload, whose version and ticket are looked at before.
func (s *Server) tus(a *answer, r *http.Request, id files.ID, do func(*answer, *http.Request, files.ID, string)) {
	h := a.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Cache-Control", "no-store")
	if r.Header.Get("Tus-Resumable") != tusVersion {
		h.Set("Tus-Version", tusVersion)
		a.refuse(http.StatusPreconditionFailed, "Tus-Resumable: 1.0.0 is what is spoken")
		return
	}
	of, owner, ok := s.holds(a, r, id, files.ToUpload)
	if ok {
		do(a, r, of, owner)
	}
}

// create tells where the upload is that the ticket is for: it was made with it.
func (s *Server) create(a *answer, r *http.Request, id files.ID, _ string) {
	f, err := s.cfg.Store.Describe(r.Context(), id)
	if err != nil {
		s.fail(a, err)
		return
	}
	if r.Header.Get("Upload-Length") != strconv.FormatInt(f.Size, 10) {
		a.refuse(http.StatusBadRequest, "Upload-Length is not that of the file that was announced")
		return
	}
	a.Header().Set("Location", s.cfg.URL+"/files/"+string(id))
	expires(a.Header(), &f)
	a.WriteHeader(http.StatusCreated)
}

func expires(h http.Header, f *files.File) {
	if !f.Complete {
		h.Set("Upload-Expires", f.Expires.UTC().Format(http.TimeFormat))
	}
}

// stands tells in headers where an upload stands.
func stands(h http.Header, f *files.File, offset int64) {
	h.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	h.Set("Upload-Length", strconv.FormatInt(f.Size, 10))
	expires(h, f)
}

// head answers where an upload stands. One that is whole, and was not made a file when its last
// byte came, becomes one here.
func (s *Server) head(a *answer, r *http.Request, id files.ID, _ string) {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-r.Context().Done():
		return // nobody waits for it
	}
	u, f, err := s.cfg.Store.Resume(r.Context(), id)
	offset := f.Size
	if err == nil && u.Whole() {
		f, err = u.Complete(r.Context())
	} else if err == nil {
		offset = u.Offset()
	}
	if err != nil && !errors.Is(err, files.ErrComplete) {
		s.fail(a, err)
		return
	}
	stands(a.Header(), &f, offset)
	a.WriteHeader(http.StatusOK)
}

// giveUp removes the file of an upload, complete or not.
func (s *Server) giveUp(a *answer, r *http.Request, id files.ID, _ string) {
	if err := s.cfg.Store.Remove(r.Context(), id); err != nil {
		s.fail(a, err)
		return
	}
	a.WriteHeader(http.StatusNoContent)
}

// patch adds to a file.
func (s *Server) patch(a *answer, r *http.Request, id files.ID, owner string) {
	full, leave := s.takeUpload(owner)
	if full != 0 {
		s.metrics.ended(upload, resultBusy)
		a.Header().Set("Connection", "close") // what it sends is not read
		a.refuse(full, s.tooMany(full))
		return
	}
	defer leave()
	s.metrics.ended(upload, s.add(a, r, id))
}

// tooMany says whose uploads are too many, of which takeUpload has told.
func (s *Server) tooMany(full int) string {
	if full == http.StatusTooManyRequests {
		return "Of one identity " + strconv.Itoa(s.cfg.PerOwner) + " uploads may be under way here; one of them has to end first"
	}
	return "Too many uploads of all are under way here"
}

// add answers a PATCH, and returns what it has come to, as metrics have it.
func (s *Server) add(a *answer, r *http.Request, id files.ID) (result string) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != offsetType {
		a.refuse(http.StatusUnsupportedMediaType, "What is added is "+offsetType)
		return resultMalformed
	}
	from, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || from < 0 {
		a.refuse(http.StatusBadRequest, "Upload-Offset is no number of bytes")
		return resultMalformed
	}
	u, f, err := s.cfg.Store.Resume(r.Context(), id)
	at := f.Size
	switch {
	case errors.Is(err, files.ErrComplete):
	case err != nil:
		return s.fail(a, err)
	default:
		at = u.Offset()
	}
	switch {
	case from != at:
		return s.fail(a, files.ErrConflict)
	case r.ContentLength > f.Size-at:
		a.refuse(http.StatusRequestEntityTooLarge, "The file was announced to be shorter")
		return resultMalformed
	case f.Complete:
		stands(a.Header(), &f, at)
		a.WriteHeader(http.StatusNoContent)
		return resultDone
	}
	body := &body{s: s, a: a, r: r.Body}
	var source io.Reader = body
	if says := r.Header.Get("Upload-Checksum"); says != "" {
		b, status, why := checked(body, r.ContentLength, says)
		if status != 0 {
			a.refuse(status, why)
			return body.result(resultMalformed)
		}
		source = bytes.NewReader(b)
	}
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	_, err = u.ReadFrom(r.Context(), source, *buf)
	switch {
	case body.failed != nil && errors.Is(err, body.failed):
		a.Header().Set("Connection", "close")
		a.Header().Set("Upload-Offset", strconv.FormatInt(u.Offset(), 10))
		a.refuse(body.status(), "Not all of it has come, or is taken here; the upload goes on from where it stands")
		return body.result(resultLeft)
	case err != nil:
		return s.fail(a, err)
	}
	if u.Whole() {
		if f, err = u.Complete(r.Context()); err != nil {
			return s.fail(a, err)
		}
	}
	stands(a.Header(), &f, u.Offset())
	a.WriteHeader(http.StatusNoContent)
	return resultDone
}

// checked reads a request whole and verifies it: tus, checksum. A status other than 0 refuses it.
func checked(r io.Reader, length int64, says string) (b []byte, status int, why string) {
	algorithm, text, _ := strings.Cut(says, " ")
	want, err := base64.StdEncoding.DecodeString(text)
	var sum hash.Hash
	switch algorithm {
	case "sha1":
		sum = sha1.New() //nolint:gosec // see its import
	case "sha256":
		sum = sha256.New()
	}
	switch {
	case sum == nil || err != nil || len(want) != sum.Size():
		return nil, http.StatusBadRequest, "Upload-Checksum is an algorithm, " + tusAlgorithms + ", and Base64"
	case length < 0:
		return nil, http.StatusLengthRequired, "A request with a checksum has a Content-Length"
	case length > mostChecked:
		return nil, http.StatusRequestEntityTooLarge, "A request with a checksum has " + strconv.Itoa(mostChecked) + " bytes at most"
	}
	b = make([]byte, length)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, http.StatusBadRequest, "Not all of it has come"
	}
	_, _ = sum.Write(b) // it never fails
	if !bytes.Equal(sum.Sum(nil), want) {
		return nil, statusChecksum, "What has come is not what its checksum says"
	}
	return b, 0, ""
}

var errDraining = errors.New("the edge drains")

// leastMoved is how many bytes renew a client's idle time.
const leastMoved = 16 << 10

// body is what comes of an upload, from a client that has to send it in time.
type body struct {
	s      *Server
	a      *answer
	r      io.Reader
	moved  int
	failed error
}

// Read is that of io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.s.draining.Load() {
		b.failed = errDraining
		return 0, errDraining
	}
	if b.moved == 0 {
		b.a.expect(b.a.idle)
	}
	n, err := b.r.Read(p)
	if b.moved += n; b.moved >= leastMoved {
		b.moved = 0
	}
	switch {
	case err == io.EOF:
		_ = b.a.control.SetReadDeadline(time.Time{}) // the store takes its time
	case err != nil:
		b.failed = err
	}
	return n, err
}

// status is what a request is answered whose body has failed.
func (b *body) status() int {
	switch {
	case errors.Is(b.failed, errDraining):
		return http.StatusServiceUnavailable
	case errors.Is(b.failed, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

// result is what that is in metrics, or otherwise where it has not failed.
func (b *body) result(otherwise string) string {
	switch {
	case b.failed == nil:
		return otherwise
	case errors.Is(b.failed, errDraining):
		return resultDraining
	case errors.Is(b.failed, os.ErrDeadlineExceeded):
		return resultIdle
	}
	return resultLeft
}
