package edge

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"limegrove/lime"
)

var refusedLogin = lime.NewReason(lime.CodeSessionAuthenticationFailed, "The credentials were not accepted")

// switchboard is all of routing on one map: it hands envelopes to the sessions of
// one edge.
type switchboard struct {
	mu     sync.Mutex
	places map[lime.Node]*place // by their folded node
	full   int                  // envelopes that did not fit
	fails  error                // of Attach
	held   chan struct{}        // Attach waits for it, unless it is nil
}

func newSwitchboard() *switchboard { return &switchboard{places: map[lime.Node]*place{}} }

// place is a Member.
type place struct {
	board    *switchboard
	node     lime.Node
	to       Recipient
	active   bool
	presence lime.Presence
	events   lime.Events
	proofs   []uint32 // that came
	drained  int      // how often it was told so
	owing    bool     // there is something unacknowledged
	settle   func()   // to be called when it is acknowledged
	takes    lime.Capability
}

// Attach has a newer session replace the older one.
func (b *switchboard) Attach(_ context.Context, a Arrival, to Recipient) (Member, error) {
	p := &place{board: b, node: a.Node.Fold(), to: to}
	if b.held != nil {
		<-b.held
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return nil, b.fails
	}
	if older := b.places[p.node]; older != nil {
		older.to.End(lime.NewReason(lime.CodeSessionRegistrationError, "A newer session has this node"))
	}
	b.places[p.node] = p
	return p, nil
}

// Name puts nothing behind the node and the session's id.
func (b *switchboard) Name(n lime.Node, session string) (lime.Packed, bool) {
	return lime.Pack("", n, session, "")
}

// place is that of a node, which has one.
func (b *switchboard) place(node string) *place {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.places[lime.MustParseNode(node).Fold()]
}

// only is the one place of an identity.
func (b *switchboard) only(t *testing.T, identity string) *place {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for node, p := range b.places {
		if node.Identity == lime.MustParseIdentity(identity) {
			return p
		}
	}
	t.Fatalf("%s has no place", identity)
	return nil
}

// refuse has no session find its place.
func (b *switchboard) refuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = err
}

func (b *switchboard) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.places)
}

// dropped is how many envelopes did not fit.
func (b *switchboard) dropped() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full
}

func (p *place) Activate() {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.active = true
}

func (p *place) Proved(n uint32) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.proofs = append(p.proofs, n)
}

func (p *place) Drained() {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.drained++
}

// proved is which proofs have come, and queueEmptied how often the queue was told to
// be empty again.
func (p *place) proved() []uint32 {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	return slices.Clone(p.proofs)
}

func (p *place) queueEmptied() int {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	return p.drained
}

// Settle calls done at once when nothing is unacknowledged.
func (p *place) Settle(done func()) {
	p.board.mu.Lock()
	owing := p.owing
	p.settle = done
	p.board.mu.Unlock()
	if !owing {
		done()
	}
}

// owe has something be unacknowledged.
func (p *place) owe() {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.owing = true
}

// acknowledge has all be acknowledged of a session that was told to settle.
func (p *place) acknowledge() {
	p.board.mu.Lock()
	done := p.settle
	p.board.mu.Unlock()
	done()
}

func (p *place) Leave() {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	if p.board.places[p.node] == p {
		delete(p.board.places, p.node)
	}
}

func (p *place) Route(to lime.NodeView, _ *lime.Header, envelope []byte) error {
	node := to.Node().Fold()
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	reached := false
	for n, other := range p.board.places {
		if !other.active || n.Identity != node.Identity || node.Instance != "" && n != node {
			continue
		}
		reached = true
		here, err := p.to.Pass(other.to, envelope)
		if !here {
			err = other.to.Deliver(envelope)
			other.to.Flush()
		}
		if errors.Is(err, ErrQueueFull) {
			p.board.full++
		}
	}
	if !reached {
		return lime.NewReason(lime.CodeRoutingDestinationNotFound, "Nobody is there")
	}
	return nil
}

func (p *place) Command(*lime.Header, []byte) error {
	return lime.NewReason(lime.CodeCommandResourceNotSupported, "There are no routers")
}

// MayActFor knows of no delegations.
func (p *place) MayActFor(lime.NodeView, *lime.Header) bool { return false }

// Receipt finds no sender.
func (p *place) Receipt(*lime.Header, []byte) bool { return false }

func (p *place) SetReceipts(e lime.Events) { p.events = e }
func (p *place) Receipts() lime.Events     { return p.events }

func (p *place) SetCapability(c *lime.Capability) { p.takes = *c }
func (p *place) Capability() lime.Capability      { return p.takes }

func (p *place) SetPresence(v *lime.Presence) { p.presence = *v }
func (p *place) Presence() lime.Presence      { return p.presence }
func (p *place) Instances() []string          { return []string{p.node.Instance} }
