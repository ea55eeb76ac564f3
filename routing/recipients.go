package routing

import (
	"context"
	"strings"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// Directory tells who can be sent to. It is asked when a message with an id is for
// somebody whom this edge has not had a message for in the last while.
type Directory interface {
	// HasAccount tells whether an identity has an account; anything may be stored for
	// such.
	HasAccount(ctx context.Context, i lime.Identity) (bool, error)
	// Instances returns the instances of an identity that are in session, or were a
	// moment ago. It is asked about identities without an account.
	Instances(ctx context.Context, i lime.Identity) ([]string, error)
}

// recipients decides whom messages may be stored for, so that nothing waits for
// addresses that nobody will ever have. While it asks about an identity, what is for
// that identity waits, in order, and nothing else does.
type recipients struct {
	hubs *Hubs
	ask  chan *question // to the workers

	mu         sync.Mutex
	young, old map[subject.Key]known // two generations: when the young is full, the old is dropped
	open       map[subject.Key]*question
}

// known is what was found out about an identity.
type known struct {
	until     time.Time
	account   bool
	instances []string // tokens, of an identity without an account
}

// question is an identity that is asked about, and what waits for the answer.
type question struct {
	key      subject.Key
	identity lime.Identity
	waiting  []*outgoing
}

const (
	// recipientsKept is how many identities one generation remembers.
	recipientsKept = 32768

	// How long an answer holds: accounts are seldom deleted, guests come and go.
	accountKept  = time.Minute
	guestKept    = 5 * time.Second
	strangerKept = time.Second

	recipientWorkers = 32

	// recipientQuestions bounds the identities that are asked about at once, and
	// recipientWaiting what waits for one of them.
	recipientQuestions = 8192
	recipientWaiting   = 4096
)

func newRecipients(h *Hubs) *recipients {
	return &recipients{
		hubs: h, ask: make(chan *question, recipientQuestions),
		young: map[subject.Key]known{}, old: map[subject.Key]known{}, open: map[subject.Key]*question{},
	}
}

// pass has o stored when its recipient is known, or asks first. An error is for the
// sender. It does not block.
func (r *recipients) pass(o *outgoing, to lime.NodeView) error {
	if r.hubs.cfg.Directory == nil {
		return r.hubs.outbox.add(o)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.open[o.key]; q != nil { // not before what waits already
		if len(q.waiting) >= recipientWaiting {
			r.hubs.metrics.drop(dropOutboxFull)
			return errOutboxFull
		}
		q.waiting = append(q.waiting, o)
		return nil
	}
	if k, ok := r.lookLocked(o.key); ok {
		if why := k.refuses(o.token); why != nil {
			r.hubs.metrics.drop(dropNoRecipient)
			return why
		}
		return r.hubs.outbox.add(o)
	}
	q := &question{key: o.key, identity: to.Node().Identity, waiting: []*outgoing{o}}
	select {
	case r.ask <- q:
		r.open[o.key] = q
		return nil
	default:
		r.hubs.metrics.drop(dropOutboxFull)
		return errOutboxFull
	}
}

// lookLocked returns what is known and holds still.
func (r *recipients) lookLocked(key subject.Key) (known, bool) {
	k, ok := r.young[key]
	if !ok {
		if k, ok = r.old[key]; ok {
			r.keepLocked(key, k)
		}
	}
	return k, ok && time.Now().Before(k.until)
}

func (r *recipients) keepLocked(key subject.Key, k known) {
	if len(r.young) >= recipientsKept {
		r.old, r.young = r.young, map[subject.Key]known{}
	}
	r.young[key] = k
}

// refuses returns why nothing is stored for an address, or nil.
func (k *known) refuses(token string) *lime.Reason {
	switch {
	case k.account:
		return nil
	case len(k.instances) == 0:
		return &lime.Reason{
			Code: lime.CodeAuthorizationDestinationAccountNotFound, Description: "Nobody is known by this identity",
		}
	case token == subject.Identity:
		return nil
	}
	for _, i := range k.instances {
		if i == token {
			return nil
		}
	}
	return &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "Nobody is reachable at this address"}
}

// run answers questions until ctx is done.
func (r *recipients) run(ctx context.Context) {
	var all sync.WaitGroup
	for range recipientWorkers {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case q := <-r.ask:
					r.answer(q, r.find(ctx, q.identity))
				}
			}
		})
	}
	all.Wait()
}

// find asks the directory. When that cannot tell, the message is stored: it is better
// that something waits for nobody than that it is refused to somebody.
func (r *recipients) find(ctx context.Context, i lime.Identity) known {
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	account, err := r.hubs.cfg.Directory.HasAccount(ctx, i)
	if err == nil && account {
		return known{account: true, until: time.Now().Add(accountKept)}
	}
	var instances []string
	if err == nil {
		instances, err = r.hubs.cfg.Directory.Instances(ctx, i)
	}
	if err != nil {
		r.hubs.complaints.warn("recipients cannot be looked up; storing for whoever is named", err)
		return known{account: true}
	}
	k := known{until: time.Now().Add(strangerKept), instances: r.hubs.askHubs(ctx, i)}
	for _, i := range instances {
		k.instances = append(k.instances, subject.Token(i))
	}
	if len(k.instances) > 0 {
		k.until = time.Now().Add(guestKept)
	}
	return k
}

// askHubs asks who of an identity is in session, past what Redis says: that may just
// have been emptied. It returns tokens of instances.
func (h *Hubs) askHubs(ctx context.Context, i lime.Identity) []string {
	key, err := subject.MakeKey(i)
	if err != nil {
		return nil
	}
	msg, err := h.cfg.NATS.RequestWithContext(ctx, key.Node(subject.Here), nil)
	if err != nil {
		return nil // nobody, mostly
	}
	return strings.Fields(string(msg.Data))
}

// here returns the tokens of an identity's instances, as far as the hub knows, with
// spaces between: no token has any.
func (h *hub) here() []byte {
	var b []byte
	for _, m := range h.members {
		b = append(append(b, m.token...), ' ')
	}
	for i := range h.remote {
		b = append(append(b, subject.Token(h.remote[i].Node.Instance)...), ' ')
	}
	return b
}

// answer lets go of what has waited. It goes to the outbox before anything newer can.
func (r *recipients) answer(q *question, k known) {
	var refused []*outgoing
	var reasons []*lime.Reason
	r.mu.Lock()
	if !k.until.IsZero() {
		r.keepLocked(q.key, k)
	}
	delete(r.open, q.key)
	for _, o := range q.waiting {
		why := k.refuses(o.token)
		if why != nil {
			r.hubs.metrics.drop(dropNoRecipient)
		} else if r.hubs.outbox.add(o) != nil {
			why = errOutboxFull
		}
		if why != nil && o.member != nil {
			refused, reasons = append(refused, o), append(reasons, why)
		}
	}
	r.mu.Unlock()
	for i, o := range refused {
		if o.member.stored(o, reasons[i]) {
			o.member.to.Flush()
		}
	}
}
