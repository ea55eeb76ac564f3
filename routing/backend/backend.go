package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing"
	"limegrove/tracing"
)

// The errors that callers branch on.
var (
	// ErrUnavailable says that nothing can be sent now. It passes.
	ErrUnavailable = errors.New("nothing can be sent now")

	// ErrIDInUse says that another message with this id is being waited for.
	ErrIDInUse = errors.New("a message with this id is under way")

	// ErrCrowded says that too many wait already.
	ErrCrowded = errors.New("too many wait for what becomes of messages")
)

// DefaultMaxWaiting is the default of Config.MaxWaiting.
const DefaultMaxWaiting = 16384

// Hubs are those of the process.
type Hubs interface {
	AttachUnlisted(ctx context.Context, node lime.Node, to routing.Recipient) (*routing.Member, error)
}

// Config is what a Backend is made of. Hubs, Run and Domains are required.
type Config struct {
	Hubs    Hubs
	Run     presence.EdgeID // the incarnation of this process
	Domains []string        // that are served

	// MaxWaiting bounds the messages and commands whose fate is waited for in each domain. Default
	// DefaultMaxWaiting.
	MaxWaiting int

	// Tracer follows what has a traceparent. Default none.
	Tracer *tracing.Tracer

	Logger logrus.FieldLogger // default: discarded
}

// Backend sends for backends. Its methods may be called from anywhere.
type Backend struct {
	cfg   Config
	log   logrus.FieldLogger
	posts map[string]*post // by domain, in lower case
}

// New makes a backend, which can send nothing before Open.
func New(cfg Config) *Backend {
	if cfg.MaxWaiting <= 0 {
		cfg.MaxWaiting = DefaultMaxWaiting
	}
	if cfg.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Logger = silent
	}
	b := &Backend{cfg: cfg, log: cfg.Logger, posts: map[string]*post{}}
	for _, d := range cfg.Domains {
		b.posts[strings.ToLower(d)] = newPost(lime.BackendNode(d, string(cfg.Run)), cfg.MaxWaiting)
	}
	return b
}

// Open takes the places among the hubs, which have to run. After an error it may be called again.
func (b *Backend) Open(ctx context.Context) error {
	for domain, p := range b.posts {
		if p.open() {
			continue
		}
		m, err := b.cfg.Hubs.AttachUnlisted(ctx, p.node, recipient{p, b.log})
		if err != nil {
			return fmt.Errorf("take a place for backends of %s: %w", domain, err)
		}
		m.Activate()
		p.member.Store(m)
	}
	return nil
}

// Close gives the places up. It may be called twice.
func (b *Backend) Close() {
	for _, p := range b.posts {
		if m := p.member.Swap(nil); m != nil {
			m.Leave()
		}
	}
}

// Node is the address under which envelopes leave in the name of a domain's server, and to which
// answers come; it is not ok when the domain is not served.
func (b *Backend) Node(domain string) (n lime.Node, ok bool) {
	p, ok := b.posts[strings.ToLower(domain)]
	if !ok {
		return lime.Node{}, false
	}
	return p.node, true
}

// Send sends one envelope for a domain, whose from, or else pp, is Node's. A *lime.Reason is
// why not. It waits while too much of the domain is under way, as long as ctx lets it. It borrows
// envelope.
func (b *Backend) Send(ctx context.Context, domain string, envelope []byte) error {
	p, h, to, err := b.read(domain, envelope)
	if err != nil {
		return err
	}
	return b.send(ctx, p, to, &h, envelope)
}

// SendAndWait is Send for a message with an id. It returns when that has come as far as an event,
// or failed, with all that it was told in the order in which that came. What it was told comes with
// an error of ctx, too. A message that has failed is no error.
func (b *Backend) SendAndWait(ctx context.Context, domain string, envelope []byte, until lime.Event) ([]Told, error) {
	p, h, to, err := b.read(domain, envelope)
	if err != nil {
		return nil, err
	}
	w, err := p.wait(&h, to.Node().Identity, until)
	if err != nil {
		return nil, err
	}
	defer p.stop(w)
	if err := b.send(ctx, p, to, &h, envelope); err != nil {
		return nil, err
	}
	return p.fate(ctx, w)
}

// Ask sends a command with an id to a node, and returns the response to it.
func (b *Backend) Ask(ctx context.Context, domain string, envelope []byte) (*lime.Command, error) {
	p, h, to, err := b.read(domain, envelope)
	if err != nil {
		return nil, err
	}
	w, err := p.wait(&h, to.Node().Identity, 0)
	if err != nil {
		return nil, err
	}
	defer p.stop(w)
	if err := b.send(ctx, p, to, &h, envelope); err != nil {
		return nil, err
	}
	return p.response(ctx, w)
}

// send hands an envelope to routing.
func (b *Backend) send(ctx context.Context, p *post, to lime.NodeView, h *lime.Header, envelope []byte) error {
	if b.cfg.Tracer == nil {
		return p.send(ctx, to, h, envelope)
	}
	envelope, span := b.cfg.Tracer.Arrived(h, nil, envelope)
	err := p.send(ctx, to, h, envelope)
	if span != nil {
		why := lime.AsReason(err)
		if err != nil && why == nil {
			span.Dropped = "unavailable"
		}
		b.cfg.Tracer.End(span, why)
	}
	return err
}

// read scans an envelope.
func (b *Backend) read(domain string, envelope []byte) (p *post, h lime.Header, to lime.NodeView, err error) {
	p, ok := b.posts[strings.ToLower(domain)]
	if !ok {
		return nil, h, to, lime.NewReason(lime.CodeAuthorizationUnauthorizedSender, "The domain is not served here")
	}
	if _, err := h.Scan(envelope); err != nil {
		return nil, h, to, lime.NewReason(lime.CodeValidationError, "The envelope is malformed")
	}
	if why := h.Check(); why != nil {
		return nil, h, to, why
	}
	if why := h.CheckDocument(); why != nil {
		return nil, h, to, why
	}
	to, err = lime.ParseNodeView(h.To)
	if err != nil || len(to.Name) == 0 || len(to.Domain) == 0 {
		return nil, h, to, lime.NewReason(lime.CodeValidationInvalidRecipients, "The to is no address with a name and a domain")
	}
	return p, h, to, nil
}

// recipient is a post as hubs see it.
type recipient struct {
	*post
	log logrus.FieldLogger
}

var _ routing.Recipient = recipient{}

// Flush has nothing to do.
func (recipient) Flush() {}

// Pass has nothing to gather.
func (recipient) Pass(any, []byte) (bool, error) { return false, nil }

// Probe takes the question for a proof: nothing that is stored comes here.
func (recipient) Probe(uint32) error { return nil }

// Granted is of no use: a backend enters no room.
func (recipient) Granted(room.Grants) {}

// End is called by nobody who knows what a place of backends is.
func (r recipient) End(why *lime.Reason) {
	r.log.WithError(why).Warn("a place for backends was ended")
	r.member.Store(nil)
}

// gate lets through or holds those who send.
type gate struct {
	mu   sync.Mutex
	shut chan struct{} // closed when it is open again; nil while it is
}

// Hold shuts it, or opens it again.
func (g *gate) Hold(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case on && g.shut == nil:
		g.shut = make(chan struct{})
	case !on && g.shut != nil:
		close(g.shut)
		g.shut = nil
	}
}

// pass returns when it is open.
func (g *gate) pass(ctx context.Context) error {
	for {
		g.mu.Lock()
		shut := g.shut
		g.mu.Unlock()
		if shut == nil {
			return nil
		}
		select {
		case <-shut:
		case <-ctx.Done():
			return fmt.Errorf("%w: too much is under way: %w", ErrUnavailable, ctx.Err())
		}
	}
}
