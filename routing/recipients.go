package routing

import (
	"math/rand/v2"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// recipients decides whom messages may be stored for, so that nothing waits for
// addresses that nobody will ever have, nor behind more than anybody will read. While
// it asks about an address, what is for that address waits, in order, and nothing else
// does.
type recipients struct {
	hubs *Hubs
	ask  chan *question // to the workers

	mu         sync.Mutex
	known      lately[string, known] // by what is asked
	allowances lately[subject.Key, *allowance]
	open       map[string]*question
	held       map[string]int // what waits to hear whether its senders may send, by the subject of its address
}

// known is what was found out about an address.
type known struct {
	until     time.Time    // zero: for this once
	again     time.Time    // when it is asked about anew, while what is known still holds
	refuse    *lime.Reason // nil when messages are stored
	guest     bool         // it is nobody's for good
	allowance *allowance   // of its identity; nil when nothing is stored, or nobody can tell

	policy *lime.InboxPolicy // of its identity; nil when that says nothing. Never changed
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
		known: lately[string, known]{size: recipientsKept}, allowances: lately[subject.Key, *allowance]{size: recipientsKept},
		open: map[string]*question{}, held: map[string]int{},
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
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passLocked(o, to, time.Now())
}

// passLocked is passOn, with the mutex held.
func (r *recipients) passLocked(o *outgoing, to lime.NodeView, now time.Time) error {
	q := r.open[o.ask]
	if q == nil || len(q.waiting) == 0 { // not before what waits already
		if k, ok := r.lookLocked(o.ask, now); ok {
			if q == nil && (now.After(k.again) || k.allowance.due(now)) {
				r.askLocked(o, to) // later, when there is no room
			}
			return r.takeLocked(o, to, k, now)
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
	r.holdLocked(q, 1)
	return nil
}

// takeLocked has o stored, or returns why not. When that depends on its sender, and is not
// known, o waits for another answer first.
func (r *recipients) takeLocked(o *outgoing, to lime.NodeView, k known, now time.Time) error {
	if ask, why := r.admitLocked(o, to, k.policy); why != nil {
		r.hubs.metrics.drop(dropForbidden)
		return why
	} else if ask {
		return r.passLocked(o, to, now)
	}
	switch {
	case k.refuse != nil && o.admit != nil:
		r.hubs.metrics.drop(dropForbidden)
		return k.refuse
	case k.refuse != nil:
		r.hubs.metrics.drop(dropNoRecipient)
		return k.refuse
	case !k.allowance.take(o):
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
	return k, ok && now.Before(k.until) && k.allowance.holds(now)
}

func (r *recipients) keepLocked(at string, k known) { r.known.put(at, k) }

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
