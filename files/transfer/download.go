package transfer

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"limegrove/files"
)

// byLink answers a request with a link.
func (s *Server) byLink(a *answer, r *http.Request, id files.ID, capability string) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		a.refuse(http.StatusMethodNotAllowed, "A file knows GET")
	case !s.cfg.Store.Opens(id, capability):
		a.refuse(http.StatusNotFound, "There is no such file") // not even that there is
	default:
		s.load(a, r, id)
	}
}

// byTicket answers a request with a ticket.
func (s *Server) byTicket(a *answer, r *http.Request, id files.ID) {
	if _, _, ok := s.holds(a, r, id, files.ToDownload); ok {
		s.load(a, r, id)
	}
}

// load gives a file to who may have it.
func (s *Server) load(a *answer, r *http.Request, id files.ID) {
	ok, leave := s.takeDownload()
	if !ok {
		s.metrics.ended(download, resultBusy)
		a.refuse(http.StatusServiceUnavailable, "Too many downloads are under way")
		return
	}
	defer leave()
	file, f, err := s.cfg.Store.Open(r.Context(), id)
	if err != nil {
		s.metrics.ended(download, s.fail(a, err))
		return
	}
	describe(a.Header(), &f)
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range") // several at once are nobody's need: RFC 9110, section 14.2
	}
	from := &source{ReadSeeker: file, s: s}
	http.ServeContent(a, r, "", time.Time{}, from)
	s.metrics.ended(download, from.result(a))
}

// describe says in headers what a file is, and keeps it from being a page.
func describe(h http.Header, f *files.File) {
	h.Set("Content-Type", f.Type)
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})
	if disposition == "" {
		disposition = "attachment"
	}
	h.Set("Content-Disposition", disposition)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-transform, max-age=3600")
	h.Set("ETag", `"`+hex.EncodeToString(f.SHA256)+`"`)
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(f.SHA256)+":")
}

// source is a file that ends early when the edge drains, and knows why it could not be read.
type source struct {
	io.ReadSeeker
	s      *Server
	failed error
}

// Read is that of io.Reader.
func (r *source) Read(p []byte) (int, error) {
	if r.s.draining.Load() {
		r.failed = errDraining
		return 0, errDraining
	}
	n, err := r.ReadSeeker.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped one is no end
		r.failed = err
	}
	return n, err
}

// result is what has come of a download, as metrics have it.
func (r *source) result(a *answer) string {
	switch {
	case errors.Is(r.failed, errDraining):
		return resultDraining
	case errors.Is(r.failed, files.ErrNotFound):
		return resultGone
	case errors.Is(a.failed, os.ErrDeadlineExceeded):
		return resultIdle
	case a.failed != nil:
		return resultLeft
	case r.failed != nil:
		r.s.warn.Warn("the store of files does not answer", r.failed)
		return resultStore
	}
	return resultDone
}
