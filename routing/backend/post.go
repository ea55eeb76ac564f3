package backend

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"limegrove/lime"
	"limegrove/routing"
)

// Told is one notification about a message.
type Told struct {
	Event  lime.Event
	From   lime.Node
	Reason *lime.Reason // with EventFailed; it may be nil there
}

// maxTold bounds what is kept of one message: one to an identity with many sessions is told of by
// each of them.
const maxTold = 64

// post is the place of one domain's backends among the hubs.
type post struct {
	gate

	// Set when it is made and not changed.
	node lime.Node
	most int

	member atomic.Pointer[routing.Member] // nil while it has none

	mu      sync.Mutex
	waiting map[string]*wait // by the envelope's id
}

// wait is for what becomes of one envelope.
type wait struct {
	id       string
	of       lime.Identity // that it is for
	until    lime.Event    // 0: a response
	finished chan struct{} // closed with the last that it is for

	// Guarded by the post's mu.
	told     []Told
	over     bool
	answered *lime.Command
}

func newPost(node lime.Node, most int) *post {
	return &post{node: node, most: most, waiting: map[string]*wait{}}
}

func (p *post) open() bool { return p.member.Load() != nil }

// send hands an envelope to routing.
func (p *post) send(ctx context.Context, to lime.NodeView, h *lime.Header, envelope []byte) error {
	if err := p.pass(ctx); err != nil {
		return err
	}
	m := p.member.Load()
	if m == nil {
		return ErrUnavailable
	}
	return m.Route(to, h, envelope)
}

// wait waits from now on for what becomes of an envelope, until stop.
func (p *post) wait(h *lime.Header, of lime.Identity, until lime.Event) (*wait, error) {
	w := &wait{id: string(h.ID), of: of, until: until, finished: make(chan struct{})}
	if h.ID == nil {
		return nil, lime.NewReason(lime.CodeValidationError, "What is waited for needs an id")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.waiting[w.id] != nil:
		return nil, ErrIDInUse
	case len(p.waiting) >= p.most:
		return nil, ErrCrowded
	}
	p.waiting[w.id] = w
	return w, nil
}

func (p *post) stop(w *wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, w.id)
}

// Deliver takes what becomes of what was sent. Everything else is dropped: nobody asked for it.
func (p *post) Deliver(envelope []byte) error {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return nil
	}
	from, err := lime.ParseNode(string(h.From))
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.waiting[string(h.ID)]
	if w == nil || w.over || !w.mayTell(from) {
		return nil
	}
	switch h.Kind {
	case lime.KindNotification:
		w.notified(h.Event, from, envelope)
	case lime.KindCommand:
		if c, err := lime.DecodeCommand(envelope); err == nil && w.until == 0 && c.Status != 0 {
			w.answered = c
			w.end()
		}
	}
	return nil
}

// mayTell tells whether somebody is one to say what became of it: the server, or whom it is for.
// What the others say may be made up.
func (w *wait) mayTell(from lime.Node) bool {
	return lime.IsPostmaster(from.Name) || from.Identity.EqualFold(w.of)
}

func (w *wait) notified(e lime.Event, from lime.Node, envelope []byte) {
	if w.until == 0 || len(w.told) == maxTold {
		return
	}
	t := Told{Event: e, From: from}
	if n, err := lime.DecodeNotification(envelope); err == nil {
		t.Reason = n.Reason
	}
	w.told = append(w.told, t)
	if e == lime.EventFailed || rank(w.until) > 0 && rank(e) >= rank(w.until) {
		w.end()
	}
}

func (w *wait) end() {
	w.over = true
	close(w.finished)
}

// rank orders the events that a message passes; failed is no station on the way.
func rank(e lime.Event) int {
	return 1 + slices.Index([]lime.Event{lime.EventAccepted, lime.EventDispatched, lime.EventReceived, lime.EventConsumed}, e)
}

// fate returns what was told until it is over or ctx is done.
func (p *post) fate(ctx context.Context, w *wait) ([]Told, error) {
	var err error
	select {
	case <-w.finished:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(w.told), err
}

// response returns the answer to a command.
func (p *post) response(ctx context.Context, w *wait) (*lime.Command, error) {
	select {
	case <-w.finished:
		p.mu.Lock()
		defer p.mu.Unlock()
		return w.answered, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the response to a command: %w", ctx.Err())
	}
}
