package routing

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// gate is where messages wait that are not stored, and are for an identity that takes them
// of its contacts alone, while it is asked whether their sender is one. It is at the
// recipient's edges, so that nobody asks about those who take messages of everybody. What
// one sender has sent stays in order; what is no message does not wait.
type gate struct {
	hubs *Hubs
	ask  chan *caller

	mu    sync.Mutex // the hub's shard is locked first
	known lately[callerKey, callerKnown]
	open  map[callerKey]*caller
	size  int // bytes that wait
}

// callerKey is a sender to a hub, folded.
type callerKey struct {
	hub    subject.Key
	sender string
}

// callerKnown is what was found out about a sender.
type callerKnown struct {
	until   time.Time // zero: for this once
	contact bool
}

// caller is a sender who is asked about.
type caller struct {
	key     callerKey
	hub     *hub
	owner   lime.Identity
	sender  lime.Identity
	waiting []call // guarded by the gate's mutex
	size    int    // bytes of these; likewise
}

// call is a message that waits.
type call struct {
	token string
	from  subject.Origin
	msg   *nats.Msg
}

const (
	gateKept    = 32768 // senders that one generation remembers
	gateCallers = 4096  // that are asked about at once
	gateWaiting = 256   // messages of one of them
	gateBytes   = 16 << 20
	gateShare   = gateBytes / 16 // of one of them
	gateWorkers = 8
)

func newGate(h *Hubs) *gate {
	return &gate{
		hubs: h, ask: make(chan *caller, gateCallers), known: lately[callerKey, callerKnown]{size: gateKept}, open: map[callerKey]*caller{},
	}
}

// passes tells whether a message may be handed out now, by the policy of the hub's
// identity. Otherwise it waits at the gate, or is dropped. The header is scanned, and the
// shard locked.
func (t *turn) passes(b *hub, token string, sender lime.NodeView, from subject.Origin, msg *nats.Msg) bool {
	if t.header.Kind != lime.KindMessage || b.members.first == nil {
		return true
	}
	if lime.IsPostmaster(sender.Name) && strings.EqualFold(string(sender.Domain), b.members.first.who.Domain()) { // nobody else can send as it
		return true
	}
	if of, ok := lime.OfGroups(sender.Domain); ok && t.hubs.serves(of) { // who is in a group has agreed to hear of it
		return true
	}
	if token != subject.Identity && b.find(token) == nil && b.routes() == nil { // another edge's, if anybody's
		return true
	}
	if !b.members.first.isOwn(t.header.To) { // for who is behind a gateway
		return true
	}
	identity := sender.Node().Identity
	key, err := subject.MakeKey(identity)
	verdict, why := admits(b.known().policy.inForce, from.By, err == nil && key == b.key)
	// The recipient may have been stricter a moment ago: nothing overtakes what the sender has
	// sent before, and is still asked about.
	if verdict == ifContact || verdict == admitted && b.known().policy.asking > 0 && from.By == subject.Member {
		verdict = t.hubs.gate.verdict(b, identity, call{token, from, msg}, verdict)
		why = reasonNoContact
	}
	if verdict == forbidden {
		t.forbid(msg, from, why)
	}
	return verdict == admitted
}

// forbid drops a message whose recipient does not want to hear from its sender.
func (t *turn) forbid(msg *nats.Msg, from subject.Origin, why *lime.Reason) {
	t.hubs.metrics.drop(dropForbidden)
	t.lost(msg.Data, why.Code, dropForbidden)
	t.note(msg.Reply, from, why.Code)
}

// verdict is admitted or forbidden, or ifContact: then the message waits, or was dropped
// because too much does. Nobody is asked about a sender who is admitted otherwise. It does not
// block.
func (g *gate) verdict(b *hub, sender lime.Identity, c call, otherwise admission) admission {
	key := callerKey{b.key, sender.Fold().String()}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.open[key]
	if w == nil && otherwise == admitted {
		return admitted
	}
	if w == nil {
		if k, ok := g.known.get(key); ok && time.Now().Before(k.until) {
			if k.contact {
				return admitted
			}
			return forbidden
		}
		if w = g.askLocked(key, b, sender); w == nil {
			g.hubs.metrics.drop(dropUndecided)
			return ifContact
		}
	}
	size := len(c.msg.Data)
	if len(w.waiting) >= gateWaiting || w.size+size > gateShare || g.size+size > gateBytes {
		g.hubs.metrics.drop(dropUndecided)
		return ifContact
	}
	w.size, g.size = w.size+size, g.size+size
	w.waiting = append(w.waiting, c)
	return ifContact
}

// askLocked asks about a sender, with the shard locked, too. It returns nil when there is no room.
func (g *gate) askLocked(key callerKey, b *hub, sender lime.Identity) *caller {
	w := &caller{key: key, hub: b, owner: b.identity(), sender: sender}
	select {
	case g.ask <- w:
		g.open[key] = w
		b.learns().policy.asking++
		return w
	default:
		return nil
	}
}

// run answers questions until ctx is done.
func (g *gate) run(ctx context.Context) {
	answerAsked(ctx, gateWorkers, g.ask, func(w *caller) {
		g.answer(&turn{hubs: g.hubs}, w, g.find(ctx, w))
	})
}

// find finds out whether a sender is a contact. When nobody can tell, it is taken for one:
// it is as with messages that are stored.
func (g *gate) find(ctx context.Context, w *caller) callerKnown {
	ctx, cancel := context.WithTimeout(ctx, g.hubs.cfg.Timeout)
	defer cancel()
	is, err := g.hubs.cfg.Directory.IsContact(ctx, w.owner, w.sender)
	switch {
	case err != nil:
		g.hubs.complaints.Warn("contacts cannot be looked up; letting everybody send to whoever takes messages of these alone", err)
		return callerKnown{contact: true}
	case is:
		return callerKnown{until: time.Now().Add(contactKept), contact: true}
	}
	return callerKnown{until: time.Now().Add(noContactKept)}
}

// answer hands out what has waited, or drops it, before anything newer of the sender can be.
func (g *gate) answer(t *turn, w *caller, k callerKnown) {
	s := w.hub.shard
	s.mu.Lock()
	w.hub.learns().policy.asking--
	g.mu.Lock()
	delete(g.open, w.key)
	if !k.until.IsZero() {
		g.known.put(w.key, k)
	}
	g.size -= w.size
	g.mu.Unlock()
	for _, c := range w.waiting {
		t.release(s, w.hub, c, k.contact)
	}
	written := t.end()
	s.mu.Unlock()
	flushAll(written)
	t.tell()
}

// release hands out one message that has waited, or drops it. The shard is locked.
func (t *turn) release(s *shard, b *hub, c call, contact bool) {
	switch _, err := t.header.Scan(c.msg.Data); {
	case s.hubs.find(b.key) != b:
		t.hubs.metrics.drop(dropClosed)
	case err != nil: // it was scanned before
		t.hubs.metrics.drop(dropMalformed)
	case !contact && b.known().policy.inForce != nil && b.known().policy.inForce.ContactsOnly:
		t.forbid(c.msg, c.from, reasonNoContact)
	default:
		t.distribute(b, c.token, false, c.from, c.msg)
	}
}
