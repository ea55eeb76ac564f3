package api

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
)

// Server is the HTTP API of one process.
type Server struct {
	cfg     Config
	log     logrus.FieldLogger
	warn    *complaint.Log // of what clients may have happen again and again
	metrics *metrics
	mux     *http.ServeMux
	rates   *limiters
	names   map[string]string // of operations, by their patterns in mux

	waits   context.Context // ends before a drain does
	noWaits context.CancelFunc

	mu       sync.Mutex
	underWay int
	draining bool
	idle     chan struct{} // closed when it drains and nothing is under way
}

// SetRate puts another Config.Rate in force, with which all keys begin anew. It may be called from anywhere.
func (s *Server) SetRate(perSecond int) {
	if perSecond == 0 {
		perSecond = 100
	}
	s.rates.set(perSecond)
}

// New makes a server; Serve runs it.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, warn: &complaint.Log{Logger: cfg.Logger}, metrics: newMetrics(cfg.Metrics), mux: http.NewServeMux(), rates: newLimiters(cfg.Rate),
		names: map[string]string{}, idle: make(chan struct{}),
	}
	s.waits, s.noWaits = context.WithCancel(context.Background())
	for _, o := range s.operations() {
		s.handle(o.method+" "+o.path, o.id, s.serveOperation(o))
	}
	s.handle("GET "+documentPath, "getDocument", http.HandlerFunc(serveDocument))
	for _, m := range cfg.Mount {
		s.handle(m.Pattern, "mounted", s.serveMounted(m))
	}
	return s, nil
}

func (s *Server) handle(pattern, name string, h http.Handler) {
	s.mux.Handle(pattern, h)
	s.names[pattern] = name
}

// noOperation names, in metrics and logs, a request for nothing that there is.
const noOperation = "none"

// headerTimeout bounds the head of a request, idleTimeout a connection without one, and writeRoom is what
// an answer has beyond what a request may wait.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
	writeRoom     = 30 * time.Second
	maxHead       = 16 << 10
)

// Serve takes ln and serves it until ctx is done. Then new requests get 503 until those that are under way
// have ended, or DrainTimeout is over. It returns nil when it ended because of ctx.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: min(headerTimeout, s.cfg.BodyTimeout), ReadTimeout: s.cfg.BodyTimeout, IdleTimeout: idleTimeout,
		WriteTimeout:   s.cfg.BodyTimeout + s.cfg.MaxWait + writeRoom,
		MaxHeaderBytes: maxHead, ErrorLog: log.New(logWriter{s.log}, "", 0),
	}
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		s.drain()
		polite, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(polite) != nil {
			_ = srv.Close() // out of time: cut what is left
		}
	})
	err := srv.Serve(ln)
	if !stop() {
		<-drained
	}
	s.noWaits()
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the API on %s: %w", ln.Addr(), err)
}

// drain returns when nothing is under way, or DrainTimeout is over.
func (s *Server) drain() {
	s.mu.Lock()
	s.draining = true
	if s.underWay == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	hurry := time.AfterFunc(s.cfg.DrainTimeout*3/4, s.noWaits)
	defer hurry.Stop()
	late := time.NewTimer(s.cfg.DrainTimeout)
	defer late.Stop()
	select {
	case <-s.idle:
	case <-late.C:
	}
}

// begin counts a request, unless there are too many or the server drains.
func (s *Server) begin() *problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return unavailable("The router is about to end; another one answers")
	case s.underWay >= s.cfg.MaxRequests:
		return unavailable("Too many requests are being worked on")
	}
	s.underWay++
	s.metrics.underWay.Inc()
	return nil
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	s.metrics.underWay.Dec()
	if s.draining && s.underWay == 0 {
		close(s.idle)
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	written := &statusWriter{ResponseWriter: w}
	name := noOperation
	defer func() {
		s.metrics.answered(name, written.code(), time.Since(began))
		s.log.WithFields(logrus.Fields{
			"operation": name, "status": written.code(), "took": time.Since(began), "remote": r.RemoteAddr,
		}).Debug("a request of the API")
	}()
	if p := s.begin(); p != nil {
		p := p.reply()
		p.header.Set("Connection", "close")
		s.write(written, p)
		return
	}
	defer s.end()
	found, p := s.route(r)
	if name = found; p != nil {
		s.write(written, p.reply())
		return
	}
	defer func() {
		if caught := recover(); caught != nil {
			s.warn.Tell(logrus.ErrorLevel, "a request of the API could not be answered", caught, logrus.Fields{"operation": name, "stack": string(debug.Stack())})
			if written.status == 0 {
				p, _ := problemOf(errPanic)
				s.write(written, p.reply())
			}
		}
	}()
	s.mux.ServeHTTP(written, r)
}

var errPanic = errors.New("panic")

// route finds the name of what answers a request.
func (s *Server) route(r *http.Request) (string, *problem) {
	if path := r.URL.EscapedPath(); !isClean(path) { // ServeMux would redirect
		return noOperation, notFound()
	}
	_, pattern := s.mux.Handler(r)
	if name, ok := s.names[pattern]; ok {
		return name, nil
	}
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); s.names[pattern] != "" {
			allow = append(allow, method)
		}
	}
	if allow == nil {
		return noOperation, notFound()
	}
	return noOperation, &problem{
		kind: kindMethod, status: http.StatusMethodNotAllowed, detail: "The method does not go with this path", allow: strings.Join(allow, ", "),
	}
}

func notFound() *problem {
	return &problem{kind: kindNotFound, status: http.StatusNotFound, detail: "There is nothing at this path"}
}

// isClean tells whether a path has no segments that mean another path.
func isClean(path string) bool {
	if !strings.HasPrefix(path, "/") {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return !strings.Contains(path, "//")
}

// write sends an answer that is known to be written as JSON.
func (s *Server) write(w http.ResponseWriter, r reply) {
	if err := r.encode(); err != nil {
		s.warn.Error("an answer of the API cannot be written as JSON", err)
		p, _ := problemOf(err)
		r = p.reply()
		_ = r.encode() // a problem always can be
	}
	r.write(w)
}

// failed makes an error an answer, and logs one that is ours.
func (s *Server) failed(c *call, err error) reply {
	p, told := problemOf(err)
	if !told {
		s.warn.Tell(logrus.ErrorLevel, "an operation of the API has failed", err, logrus.Fields{"operation": c.request.Pattern})
	}
	return p.reply()
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader is that of http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// logWriter takes net/http's log: clients that misbehave, mostly.
type logWriter struct{ log logrus.FieldLogger }

// Write borrows line.
func (w logWriter) Write(line []byte) (int, error) {
	w.log.Debug(strings.TrimSpace(string(line)))
	return len(line), nil
}
