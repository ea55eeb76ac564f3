package resource

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
	"limegrove/lime"
)

// Document is a resource on its way out. The zero Document is none, as set and
// delete have it; a get that succeeds has one (L-CMD-03).
type Document struct {
	Type     string // the media type
	Resource json.RawMessage
}

// Handler does what a request asks for. It borrows r. An error matching
// *lime.Reason is for the requester; any other is ours, is logged here, and
// becomes a general one for the requester.
type Handler func(ctx context.Context, r Request) (Document, error)

// Config is what a Mux needs from outside.
type Config struct {
	// Permits tells of what owners have delegated. Default: nothing.
	Permits Permits

	// Logger gets what went wrong on our side; nil for nobody.
	Logger logrus.FieldLogger

	// Metrics is where the package's metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer
}

// Mux finds the handler of a request. All handlers are registered before the
// first request is served.
type Mux struct {
	warn     *complaint.Log
	commands *prometheus.CounterVec
	permits  Permits
	routes   []route
}

// route is one URI with its methods.
type route struct {
	path    string
	pattern pattern
	methods map[lime.Method]Handler
}

// New returns a Mux that knows no resource yet.
func New(cfg Config) (*Mux, error) {
	m := &Mux{
		warn: &complaint.Log{Logger: cfg.Logger}, permits: cfg.Permits,
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_resource_commands_total",
			Help: "Commands to the server that were answered, by resource, method and status.",
		}, []string{"path", "method", "status"}),
	}
	if cfg.Logger == nil {
		discard := logrus.New()
		discard.SetOutput(io.Discard)
		m.warn.Logger = discard
	}
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(m.commands); err != nil {
			return nil, fmt.Errorf("new mux: %w", err)
		}
	}
	return m, nil
}

// Handle registers the handler of a method at a path, such as /account. A path
// matches in any case, with or without a slash at its end. A segment {name} matches
// any one, and {name...} at the end one and all behind it; Request.Segment returns
// them. Of two paths that match, the one that was registered first is taken. Two
// handlers for the same are a mistake in the program, and panic.
func (m *Mux) Handle(method lime.Method, path string, h Handler) {
	for _, s := range []lime.CommandStatus{lime.CommandSuccess, lime.CommandFailure} {
		m.commands.WithLabelValues(path, method.String(), s.String())
	}
	for _, known := range m.routes {
		if known.path != path {
			continue
		}
		if known.methods[method] != nil {
			panic(fmt.Sprintf("resource: two handlers for %s %s", method, path))
		}
		known.methods[method] = h
		return
	}
	m.routes = append(m.routes, route{path, newPattern(path), map[lime.Method]Handler{method: h}})
}

// Serve answers r, whose slices it borrows. It returns false when there is no
// answer: to observe (L-CMD-07), and to a request without an id, which is
// dropped (L-CMD-08).
//
// Whatever a handler does, Serve returns: a panic is logged and is answered
// like any other error of ours.
func (m *Mux) Serve(ctx context.Context, r Request) (Response, bool) {
	if r.ID == "" || r.Method == lime.MethodObserve {
		return Response{}, false
	}
	path, doc, err := m.serve(ctx, r)
	res := Response{Status: lime.CommandSuccess, Type: doc.Type, Resource: doc.Resource}
	if err != nil {
		res = Response{Status: lime.CommandFailure, Reason: lime.AsReason(err)}
	}
	if err != nil && res.Reason == nil {
		m.warn.Tell(logrus.ErrorLevel, "a command could not be processed", err, logrus.Fields{"node": r.From.String(), "path": path})
		res.Reason = lime.NewReason(lime.CodeCommandProcessingError, "The command could not be processed")
	}
	m.commands.WithLabelValues(path, r.Method.String(), res.Status.String()).Inc()
	return res, true
}

// serve also returns the path that is registered, and "other" when none is: a
// metric's label is not for the requester to choose.
func (m *Mux) serve(ctx context.Context, r Request) (path string, doc Document, err error) {
	path = "other"
	for _, route := range m.routes {
		segments, ok := route.pattern.match(r.URI.Path)
		if !ok {
			continue
		}
		path, r.segments, r.permits = route.path, segments, m.permits
		h := route.methods[r.Method]
		switch {
		case h == nil:
			err = lime.NewReason(lime.CodeCommandMethodNotSupported, "%s does not know the method %s", path, r.Method)
		case needsResource(r.Method) && r.empty():
			err = lime.NewReason(lime.CodeValidationEmptyDocument, "%s needs a resource", r.Method)
		default:
			doc, err = call(ctx, h, r)
		}
		return path, doc, err
	}
	return path, doc, lime.NewReason(lime.CodeCommandResourceNotSupported, "No handler for %.200s", r.URI)
}

// call turns a panic of h into an error, so that one command that is handled
// wrongly does not end a router with thousands of others.
func call(ctx context.Context, h Handler, r Request) (doc Document, err error) {
	defer func() {
		if p := recover(); p != nil {
			doc, err = Document{}, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, r)
}

// needsResource: L-CMD-12.
func needsResource(m lime.Method) bool { return m == lime.MethodSet || m == lime.MethodMerge }

// empty tells whether the resource is absent; null is (L-ENV-03).
func (r Request) empty() bool {
	b := bytes.TrimSpace(r.Resource)
	return len(b) == 0 || bytes.Equal(b, []byte("null"))
}
