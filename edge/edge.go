package edge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/edge/auth"
	"limegrove/edge/dialect"
	"limegrove/edge/poll"
	"limegrove/internal/complaint"
)

// Edge ends the sessions of clients.
type Edge struct {
	cfg         atomic.Pointer[Config] // replaced as a whole
	made        time.Time              // what instants count from
	log         logrus.FieldLogger
	warn        complaint.Log                // of what clients may have happen again and again
	rules       atomic.Pointer[sessionRules] // likewise
	ruling      sync.Mutex                   // held by who puts others in their place
	metrics     *metrics
	traffic     *Traffic
	loops       *poll.Group
	addresses   addresses
	admission   atomic.Pointer[admission]
	pacing      atomic.Pointer[pacing]
	logins      atomic.Pointer[map[auth.Scheme]*workers] // likewise; none is ever taken out
	places      *workers
	halls       *workers                // for rooms, so that those do not hold up who is about to begin
	asking      *workers                // who is to be asked about clients of dialects
	inflating   *workers                // long messages
	working     context.Context         // of the workers
	cancel      context.CancelFunc      // of that
	scratch     sync.Pool               // of *scratch
	forward     atomic.Pointer[forward] // nil for nothing
	compression *compression            // nil for none
	dialects    map[string]*spoken      // by their paths
	framed      *framed                 // nil for none
	pages       pages
	opener      [transports][2]poll.Opener // of those that do not count with their address, and do
	draining    atomic.Bool

	overloaded atomic.Bool  // new clients are refused
	admitted   atomic.Int64 // connections, those included that a loop is yet to open, or that wait for their turn
	deferred   atomic.Int64 // those that wait
	waiting    addresses    // the same, by their sources
	sessions   atomic.Int64 // established ones
	settling   atomic.Int64 // those of them that are told to go
	drainBegan atomic.Int64 // an instant; never before it

	// Owned by tend.
	errands []errand
	load    overload
	balance balance
	wave    wave

	meter  atomic.Pointer[meter] // nil while nobody looks at sessions
	sights sights
	evens  atomic.Bool // somebody has asked for a rebalance

	opened atomic.Int64 // connections that are served

	empty   chan struct{} // closed when the edge drains and the last connection is gone
	emptied sync.Once
	shut    chan struct{} // closed when the first Shutdown has ended
}

// readBuffer is how many bytes are read of a connection at once.
const readBuffer = 64 << 10

// New makes an edge. It serves nobody before Run and Serve.
func New(cfg Config) (*Edge, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	loops, err := poll.NewGroup(poll.Config{
		Loops:      cfg.Loops,
		ReadBuffer: readBuffer,
		MaxUnread:  maxUnread(cfg.MaxEnvelope),
		MaxHeld:    cfg.MaxHeld,
		MaxQueued:  cfg.MaxQueued,
		QueueLimit: cfg.SendQueue,
		MaxAppend:  maxFrame + maxHead,
		New: func() (*poll.Conn, poll.Handler) {
			c := new(conn)
			return &c.socket, c
		},
		Goroutines: cfg.goroutines,
		Logger:     cfg.Logger,
		Registerer: cfg.Metrics,
	})
	if err != nil {
		return nil, err
	}
	if cfg.Traffic == nil {
		cfg.Traffic = NewTraffic(cfg.Metrics)
	}
	e := &Edge{
		made:    time.Now(),
		log:     cfg.Logger,
		warn:    complaint.Log{Logger: cfg.Logger},
		metrics: newMetrics(cfg.Metrics), traffic: cfg.Traffic,
		loops:   loops,
		errands: newErrands(loops.Loops()),
		empty:   make(chan struct{}),
		shut:    make(chan struct{}),
		pages:   pages{Pages: cfg.Pages},
	}
	rules := sessionRules{id: cfg.ID, domains: cfg.Domains, name: cfg.Router.Name, presences: new(presences), tracer: cfg.Tracer}
	for path, d := range cfg.Dialects {
		if e.dialects == nil {
			e.dialects = map[string]*spoken{}
		}
		e.dialects[strings.TrimSuffix(path, "/")] = &spoken{d, e.metrics.dialect(d.Name())}
		if domain := d.Domain(); domain != "" {
			rules.dialects = append(rules.dialects, domain)
		}
	}
	if d := cfg.Framed; d != nil {
		e.framed = &framed{d, e.metrics.dialect(d.Name())}
		if domain := d.Domain(); domain != "" {
			rules.dialects = append(rules.dialects, domain)
		}
	}
	e.compression = newCompression(cfg.Compression, loops.Loops(), e.metrics.compression)
	for over := range e.opener {
		for counted := range e.opener[over] {
			e.opener[over][counted] = func(t *poll.Turn, s *poll.Conn) poll.Handler {
				return e.open(t, s.Handler().(*conn), transport(over), counted == 1)
			}
		}
	}
	e.scratch.New = func() any { return new(scratch) }
	ctx, cancel := context.WithCancel(context.Background())
	e.working, e.cancel = ctx, cancel
	e.pages.to.max.Store(maxPagesOfAddress)
	e.put(&cfg, &rules)
	e.asking = newWorkers(ctx, cfg.Logger, cfg.Asking, cfg.Waiting)
	e.inflating = newWorkers(ctx, cfg.Logger, max(1, loops.Loops()-1), maxInflating)
	e.places = newWorkers(ctx, cfg.Logger, cfg.Establishing, len(cfg.Schemes)*(cfg.Establishing+cfg.Waiting))
	e.halls = newWorkers(ctx, cfg.Logger, cfg.Establishing, cfg.Establishing+cfg.Waiting)
	e.metrics.offers(cfg.Schemes)
	e.watch()
	return e, nil
}

// Run serves the connections until Shutdown or Close has ended. It may be called
// once.
func (e *Edge) Run() error {
	ctx, cancel := context.WithCancel(context.Background())
	var tending sync.WaitGroup
	tending.Go(func() { e.tend(ctx) })
	err := e.loops.Run(context.Background())
	cancel()
	tending.Wait()
	e.cancel()
	for _, w := range *e.logins.Load() {
		w.all.Wait()
	}
	e.asking.all.Wait()
	e.inflating.all.Wait()
	e.places.all.Wait()
	e.halls.all.Wait()
	if err != nil && !(errors.Is(err, poll.ErrClosed) && e.Draining()) { // ended before it began
		return fmt.Errorf("edge: %w", err)
	}
	return nil
}

// Serve accepts clients from ln until ctx is done, and closes it. A *net.TCPListener
// is served without a goroutine for each client; a TLS listener has one.
func (e *Edge) Serve(ctx context.Context, ln net.Listener) error {
	return e.serve(ctx, ln, overWebSocket)
}

// ServeTCP is Serve for clients that speak LIME over TCP. Those who choose to be encrypted
// have a goroutine each.
func (e *Edge) ServeTCP(ctx context.Context, ln net.Listener) error {
	return e.serve(ctx, ln, overTCP)
}

// ServeFrames is Serve for clients of the dialect Config.Framed, which there has to be.
func (e *Edge) ServeFrames(ctx context.Context, ln net.Listener) error {
	if opener, ok := e.framed.Stream.(dialect.Opener); ok {
		if _, inClear := ln.(*net.TCPListener); !inClear { // its sockets are the loops' own
			ln = openings{ln, opener}
		}
	}
	return e.serve(ctx, ln, overFrames)
}

func (e *Edge) serve(ctx context.Context, ln net.Listener, over transport) error {
	return e.loops.Serve(ctx, ln, func(remote netip.AddrPort) (open poll.Opener, refusal []byte) {
		return e.admit(remote, over)
	})
}

// admit decides about a new connection, before anything has come of it.
func (e *Edge) admit(remote netip.AddrPort, over transport) (open poll.Opener, refusal []byte) {
	if e.overloaded.Load() {
		return nil, e.refuse(over, rejectOverloaded)
	}
	now := e.instant(time.Now())
	from := remote.Addr()
	pacing := e.pacing.Load()
	wait, hasTurn := pacing.turn(from, now)
	counted, why := e.takePlace(from, now, wait, hasTurn)
	switch {
	case why == "" && wait == 0:
		if counted {
			return e.opener[over][1], nil
		}
		return e.opener[over][0], nil
	case why == "":
		return e.defers(over, min(wait, turnPatience), hasTurn, counted), nil
	}
	if hasTurn {
		pacing.giveBack(from, now)
	}
	if why == rejectUnanswered {
		e.metrics.rejected(why)
		return nil, nil
	}
	return nil, e.refuse(over, why)
}

// takePlace takes a place for a connection that is served, or waits, and tells why when there is none. counted tells
// whether it counts with its address.
func (e *Edge) takePlace(from netip.Addr, now instant, wait time.Duration, hasTurn bool) (counted bool, why rejection) {
	if admission := e.admission.Load(); hasTurn && !admission.admit(from, now) {
		if !admission.answers(now) {
			return false, rejectUnanswered
		}
		return false, rejectRate
	}
	if most := int64(e.cfg.Load().MaxSessions); e.admitted.Add(1) > most && most > 0 {
		e.admitted.Add(-1)
		return false, rejectFull
	}
	counted, ok := e.addresses.add(from)
	switch {
	case !ok:
		why = rejectAddress
	case wait == 0 || e.mayDefer(from, hasTurn):
		return counted, ""
	default: // to be told so would cost what it waits for
		if counted {
			e.addresses.remove(from)
		}
		why = rejectUnanswered
	}
	e.admitted.Add(-1)
	return false, why
}

// refuse counts a connection that is not served, and returns what it is told.
func (e *Edge) refuse(over transport, why rejection) []byte {
	e.metrics.rejected(why)
	return over.refusal(e.rules.Load(), why)
}

// open makes c, which was made with its socket, the handler of that.
func (e *Edge) open(t *poll.Turn, c *conn, over transport, counted bool) poll.Handler {
	now := e.instant(t.Now)
	c.edge, c.over, c.phase, c.heard = e, over, over.opens(), now
	c.begins().began = now
	switch over {
	case overTCP:
		c.session.overTCP = true
		c.particular().proving = new(proving)
	case overFrames:
		c.particular().speaks = e.framed.accept()
	case overWebSocket:
	}
	c.session.rules = e.rules.Load()
	c.session.out = c
	if counted {
		c.told.set(flagAddressed, true)
	}
	e.metrics.connections.Inc()
	e.metrics.accepted[over].Inc()
	c.gauges()[stageOpening].Inc()
	c.show()
	e.opened.Add(1)
	if e.draining.Load() { // accepted just before
		c.reject(rejectDraining)
	}
	c.arm()
	return c
}

// forget takes a connection that is gone out of the books.
func (e *Edge) forget(c *conn, err error) {
	if c.told.has(flagAddressed) {
		e.addresses.remove(c.socket.RemoteAddr().Addr())
	}
	e.admitted.Add(-1)
	c.forgetPage()
	c.unshow()
	if c.shown.counted() {
		if c.speaks() != nil {
			c.speaks().counts.sessions.Dec()
		}
		e.sessions.Add(-1)
		e.metrics.sessions.Dec()
	}
	if c.leaving != staying {
		e.settling.Add(-1)
		e.metrics.settling.Dec()
	}
	e.metrics.connections.Dec()
	if errors.Is(err, poll.ErrTooLong) {
		e.warn.Tell(logrus.WarnLevel, "a connection was cut: more was unread than fits", nil, logrus.Fields{"remote": c.socket.RemoteAddr()})
	}
	if e.opened.Add(-1) == 0 && e.draining.Load() { // the other way round in finishAll
		e.emptied.Do(func() { close(e.empty) })
	}
}
