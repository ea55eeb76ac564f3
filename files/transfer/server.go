package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"golang.org/x/net/netutil"

	"limegrove/files"
	"limegrove/internal/complaint"
)

// The defaults of Config.
const (
	DefaultTransfers   = 32
	DefaultPerOwner    = 4
	DefaultIdleTimeout = 30 * time.Second
)

// Config is what a Server is made of.
type Config struct {
	Store *files.Store // required; it stays the caller's

	// URL is under which clients reach /files of any edge, without a slash at its end. Required.
	URL string

	// Transfers is how many uploads, and again how many downloads, are under way at once. Each takes a chunk of memory, and the
	// broker's time. Default DefaultTransfers.
	Transfers int

	// PerOwner is how many of these uploads are of one identity. Default DefaultPerOwner.
	PerOwner int

	// IdleTimeout is how long a client may take for the next 16 KiB of an upload, or 32 KiB of a download. Default
	// DefaultIdleTimeout.
	IdleTimeout time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Server moves files.
type Server struct {
	cfg     Config
	warn    *complaint.Log
	metrics *metrics
	buffers sync.Pool

	asking   chan struct{} // one for each that asks where an upload stands: the answer is as long as a chunk
	draining atomic.Bool
	requests sync.WaitGroup

	mu        sync.Mutex
	uploads   map[string]int // under way, by owner
	uploading int
	loading   int
}

// New makes a server; Serve runs it.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.URL == "" {
		return nil, errors.New("transfer: a store and a URL are needed")
	}
	if cfg.Transfers == 0 {
		cfg.Transfers = DefaultTransfers
	}
	if cfg.PerOwner == 0 {
		cfg.PerOwner = DefaultPerOwner
	}
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = DefaultIdleTimeout
	}
	if cfg.Logger == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		cfg.Logger = silent
	}
	s := &Server{cfg: cfg, warn: &complaint.Log{Logger: cfg.Logger}, uploads: map[string]int{}, asking: make(chan struct{}, cfg.Transfers)}
	s.buffers.New = func() any {
		b := make([]byte, cfg.Store.ChunkSize())
		return &b
	}
	var err error
	s.metrics, err = newMetrics(cfg.Metrics)
	return s, err
}

// Times of connections without a transfer, and what their heads may be.
const (
	headerTimeout = 10 * time.Second
	keepTimeout   = 30 * time.Second
	maxHead       = 16 << 10
	drainTimeout  = 10 * time.Second
)

// connections is how many may be open: beside transfers there are those that ask where they stand.
func (c Config) connections() int { return 4*c.Transfers + 128 }

// Serve takes ln and serves it until ctx is done. Then transfers end with the chunk that they are
// at, which clients go on from elsewhere. It returns nil when it ended because of ctx.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, IdleTimeout: keepTimeout, MaxHeaderBytes: maxHead,
		ErrorLog: log.New(logWriter{s.cfg.Logger}, "", 0),
	}
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		s.draining.Store(true)
		polite, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		if srv.Shutdown(polite) != nil {
			_ = srv.Close() // out of time: cut what is left
		}
	})
	err := srv.Serve(netutil.LimitListener(ln, s.cfg.connections()))
	if !stop() {
		<-drained
	}
	s.requests.Wait() // they still store what had come
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve files on %s: %w", ln.Addr(), err)
}

// logWriter has net/http complain to the log.
type logWriter struct{ logrus.FieldLogger }

// Write is that of io.Writer.
func (l logWriter) Write(b []byte) (int, error) {
	l.Debug("files: " + strings.TrimSpace(string(b)))
	return len(b), nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	defer s.requests.Done()
	a := &answer{ResponseWriter: w, control: http.NewResponseController(w), idle: s.cfg.IdleTimeout}
	defer func() { s.metrics.request(r.Method, a.status) }()
	if r.Body != http.NoBody {
		a.expect(a.idle / 2) // net/http waits for the rest of what nobody reads, before it writes what is answered
	}
	open(a.Header())
	if method := r.Header.Get("X-HTTP-Method-Override"); method != "" && r.Method == http.MethodPost {
		r.Method = method
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/files")
	if !ok || rest != "" && rest[0] != '/' {
		a.refuse(http.StatusNotFound, "There is nothing here")
		return
	}
	parts := strings.SplitN(strings.Trim(rest, "/"), "/", 3)
	id, isID := files.ParseID(parts[0])
	switch {
	case r.Method == http.MethodOptions:
		s.options(a, r)
	case parts[0] == "" && r.Method == http.MethodPost:
		s.tus(a, r, "", s.create)
	case parts[0] == "":
		a.refuse(http.StatusMethodNotAllowed, "POST makes an upload here")
	case !isID:
		a.refuse(http.StatusNotFound, "There is no such file")
	case len(parts) > 1:
		s.byLink(a, r, id, parts[1])
	case r.Method == http.MethodGet:
		s.byTicket(a, r, id)
	case r.Method == http.MethodHead:
		s.tus(a, r, id, s.head)
	case r.Method == http.MethodPatch:
		s.tus(a, r, id, s.patch)
	case r.Method == http.MethodDelete:
		s.tus(a, r, id, s.giveUp)
	default:
		a.refuse(http.StatusMethodNotAllowed, "An upload knows HEAD, PATCH and DELETE, a file GET")
	}
}

// answer is a ResponseWriter that knows what was answered, and whose client has to take it in time.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
	status  int
	failed  error // of the client, to take it
}

// WriteHeader is that of http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.wait()
	a.ResponseWriter.WriteHeader(status)
}

// Write is that of http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.wait()
	n, err := a.ResponseWriter.Write(b)
	if err != nil && a.failed == nil {
		a.failed = err
	}
	return n, err
}

// expect gives the client a time for what is read next.
func (a *answer) expect(within time.Duration) {
	_ = a.control.SetReadDeadline(time.Now().Add(within)) // of a test's recorder there is none
}

// wait gives the client its time for what is written next.
func (a *answer) wait() { _ = a.control.SetWriteDeadline(time.Now().Add(a.idle)) } // of a test's recorder there is none

// refuse answers with a sentence.
func (a *answer) refuse(status int, says string) {
	a.expect(a.idle / 2) // what has not come is not read
	h := a.Header()
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		h.Set("Retry-After", "2")
	}
	h.Del("ETag")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	a.WriteHeader(status)
	_, _ = io.WriteString(a, says+".\n") // who does not hear it has gone
}

// open lets pages of any origin in, since no request is allowed by a cookie.
func open(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Location, Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable, Tus-Version, Tus-Max-Size, "+
		"Tus-Extension, Tus-Checksum-Algorithm, ETag, Repr-Digest, Content-Disposition, Content-Range, Accept-Ranges, Retry-After")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// bearer is the token of a request.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// holds verifies a request's ticket for a file, or answers that it has none. id is "" for whichever file
// the ticket is for.
func (s *Server) holds(a *answer, r *http.Request, id files.ID, deed files.Deed) (of files.ID, owner string, ok bool) {
	of, owner, err := s.cfg.Store.Holder(bearer(r), deed)
	switch {
	case err != nil:
		a.Header().Set("WWW-Authenticate", "Bearer")
		a.refuse(http.StatusUnauthorized, "A token for this is needed, and is good for an hour")
		return "", "", false
	case id != "" && id != of:
		a.refuse(http.StatusForbidden, "The token is for another file")
		return "", "", false
	}
	return of, owner, true
}

// fail answers an error of the store, and returns what it is called in metrics.
func (s *Server) fail(a *answer, err error) (result string) {
	switch {
	case errors.Is(err, files.ErrNotFound):
		a.refuse(http.StatusNotFound, "There is no such file, or none any more")
		return resultGone
	case errors.Is(err, files.ErrIncomplete):
		a.refuse(http.StatusNotFound, "The file has not come in whole yet")
		return resultGone
	case errors.Is(err, files.ErrConflict):
		a.refuse(http.StatusConflict, "The upload stands elsewhere by now")
		return resultConflict
	case errors.Is(err, files.ErrDigest):
		a.refuse(statusChecksum, "The file is not what was announced, and was removed")
		return resultDigest
	case errors.Is(err, files.ErrPieces):
		a.refuse(http.StatusRequestEntityTooLarge, "The file has come in too many small pieces")
		return resultPieces
	case errors.Is(err, files.ErrFull):
		s.warn.Warn("the store of files is full", err)
		a.refuse(http.StatusInsufficientStorage, "There is no room for files")
		return resultFull
	}
	s.warn.Warn("the store of files does not answer", err)
	a.refuse(http.StatusServiceUnavailable, "The store of files does not answer")
	return resultStore
}

// takeUpload takes one of the places for uploads, which leave gives back. full says whose places are taken.
func (s *Server) takeUpload(owner string) (full int, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.uploading >= s.cfg.Transfers:
		return http.StatusServiceUnavailable, nil
	case s.uploads[owner] >= s.cfg.PerOwner:
		return http.StatusTooManyRequests, nil
	}
	s.uploading++
	s.uploads[owner]++
	s.metrics.underWay.WithLabelValues(upload).Inc()
	return 0, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.uploading--
		if s.uploads[owner]--; s.uploads[owner] == 0 {
			delete(s.uploads, owner)
		}
		s.metrics.underWay.WithLabelValues(upload).Dec()
	}
}

// takeDownload takes one of the places for downloads.
func (s *Server) takeDownload() (ok bool, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loading >= s.cfg.Transfers {
		return false, nil
	}
	s.loading++
	s.metrics.underWay.WithLabelValues(download).Inc()
	return true, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.loading--
		s.metrics.underWay.WithLabelValues(download).Dec()
	}
}
