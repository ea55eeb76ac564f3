package routing

import (
	"context"
	"math/rand/v2"
	"slices"
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
// addresses that nobody will ever have, nor behind more than anybody will read. While
// it asks about an address, what is for that address waits, in order, and nothing else
// does.
type recipients struct {
	hubs *Hubs
	ask  chan *question // to the workers

	mu    sync.Mutex
	known lately[string, known] // by what is asked
	rooms lately[subject.Key, *room]
	open  map[string]*question
}

// known is what was found out about an address.
type known struct {
	until  time.Time    // zero: for this once
	again  time.Time    // when it is asked about anew, while what is known still holds
	refuse *lime.Reason // nil when messages are stored
	guest  bool         // it is nobody's for good
	room   *room        // of its identity; nil when nothing is stored, or nobody can tell
}

// question is an address that is asked about, or a sender to a group, and what waits for the answer: nothing
// while an older answer holds.
type question struct {
	asked     string
	identity  lime.Identity
	group     bool          // the identity is a group's
	sender    lime.Identity // to the group
	key       subject.Key
	token     string
	partition int
	gateway   bool        // it has authority over a domain that is not served
	again     bool        // the answer was in doubt once
	waiting   []*outgoing // guarded by the mutex
}

const (
	// recipientsKept is how many addresses and identities one generation remembers.
	recipientsKept = 32768

	// How long an answer holds: accounts are seldom deleted, and a guest may come back for
	// some minutes. In the last part of it the address is asked about anew, at random, so
	// that those who were first written to at the same moment are not asked about together
	// for ever.
	accountKept  = time.Minute
	guestKept    = 30 * time.Second
	strangerKept = time.Second
	keptFresh    = 0.5 // of the time at least

	recipientWorkers = 32

	// recipientQuestions bounds the addresses that are asked about at once, and
	// recipientWaiting what waits for one of them.
	recipientQuestions = 8192
	recipientWaiting   = 4096
)

func newRecipients(h *Hubs) *recipients {
	return &recipients{
		hubs: h, ask: make(chan *question, recipientQuestions),
		known: lately[string, known]{size: recipientsKept}, rooms: lately[subject.Key, *room]{size: recipientsKept},
		open: map[string]*question{},
	}
}

// Reasons for which nothing is stored. They are not changed.
var (
	reasonStranger = &lime.Reason{Code: lime.CodeAuthorizationDestinationAccountNotFound, Description: "Nobody is known by this identity"}
	reasonNotHere  = &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "Nobody is reachable at this address"}
	reasonFull     = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many messages wait for the recipient"}
)

// pass has o stored when its recipient is known, or asks first. An error is for the
// sender. It does not block.
func (r *recipients) pass(o *outgoing, to lime.NodeView) error {
	if full, ok := r.hubs.budget.take(o); !ok {
		r.hubs.metrics.drop(full)
		return errOutboxFull
	}
	err := r.passOn(o, to)
	if err != nil {
		r.hubs.budget.give(o)
	}
	return err
}

// passOn is pass with room for o in the budget.
func (r *recipients) passOn(o *outgoing, to lime.NodeView) error {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.open[o.ask]
	if q == nil || len(q.waiting) == 0 { // not before what waits already
		if k, ok := r.lookLocked(o.ask, now); ok {
			if q == nil && (now.After(k.again) || k.room.due(now)) {
				r.askLocked(o, to) // later, when there is no room
			}
			return r.takeLocked(o, k)
		}
	}
	if q == nil {
		q = r.askLocked(o, to)
	}
	if q == nil || len(q.waiting) >= recipientWaiting {
		r.hubs.metrics.drop(dropOutboxFull)
		return errOutboxFull
	}
	q.waiting = append(q.waiting, o)
	return nil
}

// askLocked asks about the address of o. It returns nil when there is no room.
func (r *recipients) askLocked(o *outgoing, to lime.NodeView) *question {
	if len(r.open) >= recipientQuestions {
		return nil
	}
	q := &question{
		asked: o.ask, identity: to.Node().Identity, key: o.key, token: o.token, partition: o.partition,
		group: o.group, sender: o.sender, gateway: o.gateway,
	}
	select {
	case r.ask <- q:
		r.open[q.asked] = q
		return q
	default:
		return nil
	}
}

// takeLocked has o stored, or returns why not.
func (r *recipients) takeLocked(o *outgoing, k known) error {
	switch {
	case k.refuse != nil:
		r.hubs.metrics.drop(dropNoRecipient)
		return k.refuse
	case !k.room.take(o):
		r.hubs.metrics.drop(dropInboxFull)
		return reasonFull
	}
	o.brief = o.brief || k.guest
	r.hubs.outbox.add(o)
	return nil
}

// lookLocked returns what is known and holds still.
func (r *recipients) lookLocked(at string, now time.Time) (known, bool) {
	k, ok := r.known.get(at)
	return k, ok && now.Before(k.until) && k.room.holds(now)
}

func (r *recipients) keepLocked(at string, k known) { r.known.put(at, k) }

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
					k, sure := r.find(ctx, q)
					if !sure || r.answer(q, k, false) {
						r.askAgain(q, k)
					}
				}
			}
		})
	}
	all.Wait()
}

// askAgain asks once more when Redis has heard of what is acknowledged by now.
func (r *recipients) askAgain(q *question, k known) {
	q.again = true
	time.AfterFunc(2*floorsEvery, func() {
		select {
		case r.ask <- q:
		default:
			r.answer(q, k, true)
		}
	})
}

// find finds out about an address. When nobody can tell, the message is stored: it is
// better that something waits for nobody than that it is refused to somebody. It is not
// sure of too little room when much may have been acknowledged a moment ago.
func (r *recipients) find(ctx context.Context, q *question) (k known, sure bool) {
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	if q.group {
		return r.mayWrite(ctx, q), true
	}
	k, err := r.owner(ctx, q)
	sure = true
	if err == nil && k.refuse == nil {
		k.room, sure, err = r.roomFor(ctx, q)
	}
	if err != nil {
		r.hubs.complaints.warn("recipients cannot be looked up; storing for whoever is named", err)
		return known{}, true
	}
	return k, sure
}

// owner finds out whose an address is.
func (r *recipients) owner(ctx context.Context, q *question) (known, error) {
	directory := r.hubs.cfg.Directory
	if directory == nil || q.gateway {
		return knownFor(accountKept), nil
	}
	account, err := directory.HasAccount(ctx, q.identity)
	if err != nil || account {
		return knownFor(accountKept), err
	}
	instances, err := directory.Instances(ctx, q.identity)
	if err != nil {
		return known{}, err
	}
	var tokens []string
	for _, i := range instances {
		tokens = append(tokens, subject.Token(i))
	}
	guest := knownFor(guestKept)
	guest.guest = true
	if q.among(tokens) {
		return guest, nil
	}
	// Redis may just have been emptied.
	switch all := r.hubs.askHubs(ctx, q.identity); {
	case q.among(all):
		return guest, nil
	case len(all) == 0 && len(tokens) == 0:
		return refusedFor(strangerKept, reasonStranger), nil
	}
	return refusedFor(strangerKept, reasonNotHere), nil
}

// knownFor is what holds for a time, and is asked about anew in its last part.
func knownFor(d time.Duration) known {
	now := time.Now()
	share := keptFresh + (1-keptFresh)*rand.Float64()
	return known{until: now.Add(d), again: now.Add(time.Duration(share * float64(d)))}
}

// refusedFor is what holds for a time, and is asked about again after it.
func refusedFor(d time.Duration, why *lime.Reason) known {
	until := time.Now().Add(d)
	return known{until: until, again: until, refuse: why}
}

// among tells whether tokens of an identity's instances have the one that is asked
// about: any will do for the identity itself.
func (q *question) among(tokens []string) bool {
	return len(tokens) > 0 && (q.token == subject.Identity || slices.Contains(tokens, q.token))
}

// answer lets go of what has waited. It goes to the outbox before anything newer can.
// Where only what is under way leaves no room, and the answer is not the last, the rest
// waits on, and is to be asked about again.
func (r *recipients) answer(q *question, k known, last bool) (again bool) {
	type refused struct {
		o   *outgoing
		why *lime.Reason
	}
	var told []refused
	r.mu.Lock()
	if !k.until.IsZero() {
		r.keepLocked(q.asked, k)
	}
	for i, o := range q.waiting {
		if !last && k.refuse == nil && k.room.crowded() {
			q.waiting, q.again, again = q.waiting[i:], false, true
			break
		}
		err := r.takeLocked(o, k)
		if err == nil {
			continue
		}
		r.hubs.budget.give(o)
		if o.member != nil {
			told = append(told, refused{o, lime.AsReason(err)})
		}
	}
	if !again {
		delete(r.open, q.asked)
	}
	r.mu.Unlock()
	for _, t := range told {
		if t.o.member.stored(t.o, t.why) {
			t.o.member.to.Flush()
		}
	}
	return again
}

// askHubs asks who of an identity is in session, past what Redis says. It returns
// tokens of instances.
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
