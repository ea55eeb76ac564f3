package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"
)

// Config is what the server shows.
type Config struct {
	// Checks is what must hold for /readyz, by name. They are asked together, for
	// each request, and have CheckTimeout. Default none: always ready.
	Checks map[string]Check
	// CheckTimeout bounds the checks of one request; keep it below the prober's
	// own. Default 2s.
	CheckTimeout time.Duration
	// Gatherer gives /metrics. Default none: 404.
	Gatherer prometheus.Gatherer
	// Status gives /status.json: any value that encoding/json takes. It may be
	// called at any time and by several at once. Default none: 404.
	Status func() any
	// Pages is further handlers by pattern, as of http.ServeMux. Default none.
	Pages map[string]http.Handler
	// Log takes what goes wrong in serving. Default none.
	Log logrus.FieldLogger
}

// Server is the admin HTTP server.
type Server struct {
	cfg Config
	log logrus.FieldLogger
	mux *http.ServeMux
}

// New makes a server; Serve runs it.
func New(cfg Config) *Server {
	if cfg.CheckTimeout <= 0 {
		cfg.CheckTimeout = 2 * time.Second
	}
	s := &Server{cfg: cfg, log: cfg.Log, mux: http.NewServeMux()}
	if s.log == nil {
		discard := logrus.New()
		discard.SetLevel(logrus.PanicLevel)
		s.log = discard
	}
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	if cfg.Gatherer != nil {
		s.mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Gatherer, promhttp.HandlerOpts{ErrorLog: s.log}))
	}
	if cfg.Status != nil {
		s.mux.HandleFunc("GET /status.json", s.status)
	}
	s.mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	s.mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	s.mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	s.mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	s.mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol) // what the tool does
	s.mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s.mux.HandleFunc("POST /debug/freeosmemory", freeOSMemory)
	for pattern, page := range cfg.Pages {
		s.mux.Handle(pattern, page)
	}
	return s
}

// freeOSMemory collects garbage and gives back to the system all memory that is free then.
func freeOSMemory(w http.ResponseWriter, _ *http.Request) {
	debug.FreeOSMemory()
	w.WriteHeader(http.StatusNoContent)
}

// Handler is the pages without the listener.
func (s *Server) Handler() http.Handler { return s.mux }

// Serve takes ln and serves it until ctx is done, then gives requests that are
// under way two seconds. It returns nil when it ended because of ctx.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s.mux,
		// Requests end when ctx does, so that a profile of minutes holds up no exit.
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // a profile takes its seconds parameter
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(logWriter{s.log}, "", 0),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		polite, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if srv.Shutdown(polite) != nil {
			_ = srv.Close() // out of time: cut what is left
		}
	})
	err := srv.Serve(ln)
	if !stop() {
		<-stopped
	}
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve admin pages on %s: %w", ln.Addr(), err)
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // a prober that went away needs nothing
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, s.cfg.Status())
}

func (s *Server) writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		s.log.WithError(err).Error("status cannot be written as JSON")
		http.Error(w, "status cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n')) // as in healthz
}

// logWriter takes net/http's log: clients that misbehave, mostly.
type logWriter struct{ log logrus.FieldLogger }

// Write borrows line.
func (w logWriter) Write(line []byte) (int, error) {
	w.log.Debug(strings.TrimSpace(string(line)))
	return len(line), nil
}
