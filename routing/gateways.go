package routing

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// What is for a domain that is not served goes to the domain's authority: a gateway. It
// goes to the gateway's identity, under its subject, and keeps its own to; there it is
// handed out, shared and acknowledged like anything else that is for that identity, and
// waits in its inbox while the gateway is away. Of several identities with authority over
// a domain it is the first in order.
//
// gateways finds out who that is. While it asks about a domain, what is for the domain
// waits, in order.
type gateways struct {
	hubs *Hubs
	ask  chan string

	mu     sync.Mutex
	known  lately[string, gateway] // by folded domain
	nobody lately[string, gateway] // those that never had one: however many, they displace none
	open   map[string]*domainQuestion
	asking map[*Member]int // so many of open
	size   int             // bytes that wait
}

// gateway is who has authority over a domain, as far as it is known.
type gateway struct {
	identity lime.Identity // zero: nobody has
	until    time.Time
	lost     time.Time // when it was found there last; it may come back
}

// foreign is an envelope that waits.
type foreign struct {
	member   *Member // nil for the edge's own
	envelope []byte
	traced   bool
}

const (
	gatewayKept    = 10 * time.Second
	noGatewayKept  = time.Second
	gatewayGrace   = 2 * time.Minute // how long one that is gone is thought to come back
	gatewayDomains = 1024            // that are asked about at once
	gatewayAsked   = 64              // of these by one session
	gatewayWaiting = 1024            // envelopes for one of them
	gatewayBytes   = 16 << 20        // for all of them
	gatewayWorkers = 8
)

func newGateways(h *Hubs) *gateways {
	return &gateways{
		hubs: h, ask: make(chan string, gatewayDomains), known: lately[string, gateway]{size: gatewayDomains},
		nobody: lately[string, gateway]{size: gatewayDomains}, open: map[string]*domainQuestion{}, asking: map[*Member]int{},
	}
}

// reasonNoGateway is not changed. L-MSG-10.
var reasonNoGateway = &lime.Reason{Code: lime.CodeRoutingGatewayNotFound, Description: "There is no gateway to this domain"}

// serves tells whether a domain is one of this cluster's.
func (h *Hubs) serves(domain []byte) bool {
	for _, d := range h.cfg.Domains {
		if strings.EqualFold(d, string(domain)) {
			return true
		}
	}
	return false
}

// passForeign is for what goes to a domain that is not served. h may be of the envelope as
// it came.
func (h *Hubs) passForeign(m *Member, to lime.NodeView, header *lime.Header, envelope []byte) error {
	return h.gateways.pass(m, to, header, envelope)
}

// pass hands an envelope to the gateway of its domain, or asks first who that is. It
// borrows envelope and does not block. An error is for the sender.
func (g *gateways) pass(m *Member, to lime.NodeView, h *lime.Header, envelope []byte) error {
	domain := string(lime.AppendFold(nil, to.Domain))
	now := time.Now()
	g.mu.Lock()
	q := g.open[domain]
	if k, usable := g.usableLocked(domain, now); usable && (q == nil || q.idle) {
		if q == nil && !now.Before(k.until) {
			g.askLocked(domain, m) // or the next time
		}
		g.mu.Unlock()
		return g.hubs.forward(m, k.identity, to, h, envelope)
	}
	defer g.mu.Unlock()
	if q == nil {
		q = g.askLocked(domain, m)
	}
	if q == nil || len(q.waiting) >= gatewayWaiting || g.size+len(envelope) > gatewayBytes {
		g.hubs.metrics.drop(dropOutboxFull)
		return errOutboxFull
	}
	q.idle = false
	g.size += len(envelope)
	q.waiting = append(q.waiting, foreign{m, bytes.Clone(envelope), h.Traced})
	return nil
}

// lately is who had authority over a domain when it was asked about last.
func (g *gateways) lately(domain []byte) (lime.Identity, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	k, ok := g.known.get(string(lime.AppendFold(nil, domain)))
	return k.identity, ok && !k.identity.IsZero()
}

// run answers questions until ctx is done.
func (g *gateways) run(ctx context.Context) {
	answerAsked(ctx, gatewayWorkers, g.ask, func(domain string) {
		g.answer(domain, g.find(ctx, domain))
	})
}

// find finds out who has authority over a domain. When nobody can tell, or nobody has any
// more, it is who had it a moment ago.
func (g *gateways) find(ctx context.Context, domain string) gateway {
	ctx, cancel := context.WithTimeout(ctx, g.hubs.cfg.Timeout)
	defer cancel()
	now := time.Now()
	g.mu.Lock()
	before, _ := g.known.get(domain)
	g.mu.Unlock()
	identity, there, err := g.authority(ctx, domain)
	switch {
	case err == nil && there:
		return gateway{identity: identity, until: now.Add(gatewayKept), lost: now}
	case err == nil && !identity.IsZero():
		return gateway{identity: identity, until: now.Add(noGatewayKept), lost: before.lost}
	case err != nil:
		g.hubs.complaints.Warn("gateways cannot be looked up", err)
	}
	if !before.identity.IsZero() && now.Sub(before.lost) < gatewayGrace {
		before.until = now.Add(noGatewayKept)
		return before
	}
	return gateway{until: now.Add(noGatewayKept)}
}

// authority looks up who has authority over a domain, or had until a moment ago and is not
// there.
func (g *gateways) authority(ctx context.Context, domain string) (_ lime.Identity, there bool, _ error) {
	places := placesFor(domain)
	for _, place := range places {
		view, err := g.hubs.cfg.Registry.View(ctx, place)
		if err != nil {
			return lime.Identity{}, false, err
		}
		var all []string
		for i := range view.Registrations {
			all = append(all, view.Registrations[i].Node.Instance)
		}
		if i := firstIdentity(all); !i.IsZero() {
			return i, true, nil
		}
	}
	if g.hubs.cfg.Directory == nil {
		return lime.Identity{}, false, nil
	}
	for _, place := range places { // one that has left a moment ago
		all, err := g.hubs.cfg.Directory.Instances(ctx, place)
		if err != nil {
			return lime.Identity{}, false, err
		}
		if i := firstIdentity(all); !i.IsZero() {
			return i, false, nil
		}
	}
	return lime.Identity{}, false, nil
}

// firstIdentity is the first in order of the identities of some nodes.
func firstIdentity(nodes []string) lime.Identity {
	var all []lime.Identity
	for _, text := range nodes {
		if n, err := lime.ParseNode(text); err == nil {
			all = append(all, n.Identity)
		}
	}
	if len(all) == 0 {
		return lime.Identity{}
	}
	return slices.MinFunc(all, func(a, b lime.Identity) int { return cmp.Compare(a.Fold().String(), b.Fold().String()) })
}

func (g *gateways) release(f *foreign, to lime.Identity) {
	var h lime.Header
	if _, err := h.Scan(f.envelope); err != nil {
		return
	}
	h.Traced = f.traced
	address, err := lime.ParseNodeView(h.To)
	if err == nil {
		err = g.hubs.forward(f.member, to, address, &h, f.envelope)
	}
	if err != nil && f.member != nil {
		f.member.refuse(f.envelope, err)
	}
}

// forward hands an envelope to a gateway.
func (h *Hubs) forward(m *Member, to lime.Identity, address lime.NodeView, header *lime.Header, envelope []byte) error {
	if to.IsZero() {
		h.metrics.drop(dropNoRecipient)
		return reasonNoGateway
	}
	via := lime.NodeView{Name: []byte(to.Name), Domain: []byte(to.Domain)}
	if strings.EqualFold(string(address.Name), to.Name) && strings.EqualFold(string(address.Domain), to.Domain) {
		via.Instance = address.Instance // it is for the gateway itself
	}
	if m != nil && h.cfg.Streams != nil && header.Kind == lime.KindMessage && header.ID != nil {
		return h.storeFor(m, address, &via, header, envelope)
	}
	s := h.scratch.Get().(*scratch)
	defer h.scratch.Put(s)
	s.foreign = true
	defer func() { s.foreign = false }()
	return h.publish(m, via, header, envelope, s)
}

// redirect has o stored for a gateway. What it is told from others by stays that of its
// own address.
func (o *outgoing) redirect(via *lime.NodeView, partitions int) error {
	var fold subject.Scratch
	at := subject.AppendTo(nil, via.Domain, via.Name, via.Instance, &fold)
	if len(at) > subject.Max {
		return &lime.Reason{Code: lime.CodeValidationInvalidRecipients, Description: "The address is too long"}
	}
	o.address = string(at)
	o.ask = o.address
	o.key, o.token, _ = subject.SplitTo(o.address)
	o.partition = o.key.Partition(partitions)
	o.gateway = true
	return nil
}

// refuse tells the session why its envelope went nowhere.
func (m *Member) refuse(envelope []byte, err error) {
	var h lime.Header
	if _, scanned := h.Scan(envelope); scanned != nil || !wantsAnswer(&h) {
		return
	}
	why := lime.AsReason(err)
	if why == nil {
		why = brokerReason()
	}
	p := pending{id: h.ID, kind: h.Kind, method: h.Method}
	if m.hasLeft() {
		m.hubs().metrics.drop(dropClosed)
		return
	}
	failure := appendFailure(nil, &p, m.hubs().ServerNode(m.who.Domain()), m.who.Node(), why)
	if err := m.to.Deliver(failure); err != nil {
		m.hubs().metrics.drop(dropFor(err))
		return
	}
	m.hubs().cfg.Sent(p.answer(), 1, len(failure))
	m.to.Flush()
}
