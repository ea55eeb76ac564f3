package routing

import (
	"context"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// question is an address that is asked about, or a sender to it or to a group, and what
// waits for the answer: nothing while an older answer holds.
type question struct {
	asked     string
	identity  lime.Identity
	group     bool              // the identity is a group's
	sender    lime.Identity     // to the group, or to the identity by its policy
	admit     *lime.InboxPolicy // by which the sender is asked about; nil for the address itself
	address   string            // the subject of the address
	key       subject.Key
	token     string
	partition int
	gateway   bool        // it has authority over a domain that is not served
	again     bool        // the answer was in doubt once
	waiting   []*outgoing // guarded by the mutex
}

// askLocked asks about the address of o. It returns nil when there is no room.
func (r *recipients) askLocked(o *outgoing, to lime.NodeView) *question {
	if len(r.open) >= recipientQuestions {
		return nil
	}
	q := &question{
		asked: o.ask, identity: to.Node().Identity, key: o.key, token: o.token, partition: o.partition,
		group: o.group, sender: o.sender, gateway: o.gateway, admit: o.admit, address: o.address,
	}
	select {
	case r.ask <- q:
		r.open[q.asked] = q
		return q
	default:
		return nil
	}
}

// run answers questions until ctx is done.
func (r *recipients) run(ctx context.Context) {
	answerAsked(ctx, recipientWorkers, r.ask, func(q *question) {
		k, sure := r.find(ctx, q)
		if !sure || r.answer(q, k, false) {
			r.askAgain(q, k)
		}
	})
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
	var err error
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	if q.group {
		return r.mayWrite(ctx, q), true
	}
	policy := q.admit
	if policy != nil {
		k, err = r.contact(ctx, q)
	} else {
		k, err = r.owner(ctx, q)
		policy = k.policy
	}
	sure = true
	if err == nil && k.refuse == nil {
		k.allowance, sure, err = r.allowanceFor(ctx, q, policy)
	}
	if err != nil {
		r.hubs.complaints.Warn("recipients cannot be looked up; storing for whoever is named", err)
		return known{}, true
	}
	return k, sure
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
	to := lime.NodeView{Name: []byte(q.identity.Name), Domain: []byte(q.identity.Domain)}
	now := time.Now()
	r.mu.Lock()
	if !k.until.IsZero() {
		r.keepLocked(q.asked, k)
	}
	waited := len(q.waiting)
	for i, o := range q.waiting {
		if !last && k.refuse == nil && k.allowance.crowded() {
			q.waiting, q.again, again = q.waiting[i:], false, true
			break
		}
		err := r.takeLocked(o, to, k, now)
		if err == nil {
			continue
		}
		r.hubs.budget.give(o)
		r.hubs.ended(o, lime.AsReason(err))
		if o.member != nil {
			told = append(told, refused{o, lime.AsReason(err)})
		}
	}
	if again {
		waited -= len(q.waiting)
	} else {
		delete(r.open, q.asked)
	}
	r.holdLocked(q, -waited)
	r.mu.Unlock()
	for _, t := range told {
		if t.o.member.stored(t.o, t.why) {
			t.o.member.to.Flush()
		}
	}
	return again
}
