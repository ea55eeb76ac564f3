package routing

import (
	"context"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// What a recipient's policy says of a message's sender is the same whether the message is
// stored, which the sender's edge decides, or not, which the edges of the recipient do.

// admission is what a policy says of a sender.
type admission uint8

const (
	admitted  admission = iota
	forbidden           // whoever else it is
	ifContact           // admitted if it is a contact
)

// Reasons for which a sender's message is not taken. They are not changed.
var (
	reasonNoContact = &lime.Reason{Code: lime.CodeAuthorizationPermissionRequired, Description: "The recipient takes messages of its contacts alone"}
	reasonNoGuests  = &lime.Reason{Code: lime.CodeAuthorizationPermissionRequired, Description: "The recipient takes no messages of guests"}
)

const (
	// contactKept is how long it holds that somebody is a contact, at most, and
	// noContactKept that it is none: who was just made one is soon let through.
	contactKept   = accountKept
	noContactKept = 5 * time.Second
)

// admits tells what a policy, or nil, says of a sender, and the reason if it is forbidden.
// own says that the sender is the recipient's identity. A guest is nobody's contact, whatever
// its name: it proves nothing. Who has authority over the recipient's domain could send as
// any contact, or as the recipient itself.
func admits(p *lime.InboxPolicy, by subject.Standing, own bool) (admission, *lime.Reason) {
	switch {
	case p == nil || !p.Restricts():
		return admitted, nil
	case by == subject.Guest && p.NoGuests:
		return forbidden, reasonNoGuests
	case by == subject.Guest:
		return forbidden, reasonNoContact
	case own || by == subject.Authority || !p.ContactsOnly:
		return admitted, nil
	}
	return ifContact, nil
}

// standing is what a hub of that domain is told of the session.
func (m *Member) standing(domain []byte) subject.Standing {
	switch {
	case m.guest:
		return subject.Guest
	case (m.role() == lime.RoleAuthority || m.role() == lime.RoleRootAuthority) && m.role().Over(m.who.Domain(), string(domain)):
		return subject.Authority
	}
	return subject.Member
}

// admitLocked tells whether the sender of o is to be asked about before o is stored, and
// turns o into what asks that; or why o is not stored at all. It is not asked about twice,
// nor are notifications and what is for a group or behind a gateway.
func (r *recipients) admitLocked(o *outgoing, to lime.NodeView, p *lime.InboxPolicy) (ask bool, why *lime.Reason) {
	if p == nil && len(r.held) == 0 || o.admit != nil || o.member == nil || o.group || o.gateway {
		return false, nil
	}
	verdict, by := admitted, o.member.standing(to.Domain)
	if p != nil && p.Restricts() {
		key, err := subject.MakeKey(o.sender)
		verdict, why = admits(p, by, err == nil && key == o.key)
	}
	if verdict == forbidden {
		return false, why
	}
	if verdict == admitted {
		// The recipient may have been stricter a moment ago: nothing overtakes what the sender
		// has sent before, and is still asked about.
		if by == subject.Authority || r.held[o.address] == 0 {
			return false, nil
		}
		q := r.open[bySender(o)]
		if q == nil || len(q.waiting) == 0 {
			return false, nil
		}
		p = q.admit
	}
	o.ask, o.admit = bySender(o), p
	return true, nil
}

// bySender is what is asked about a sender to one address.
func bySender(o *outgoing) string { return o.address + "\n" + o.sender.Fold().String() }

// holdLocked counts what waits for the answer to a question about a sender.
func (r *recipients) holdLocked(q *question, n int) {
	if q.admit == nil || n == 0 {
		return
	}
	if r.held[q.address] += n; r.held[q.address] <= 0 {
		delete(r.held, q.address)
	}
}

// contact finds out whether the sender of a question is a contact.
func (r *recipients) contact(ctx context.Context, q *question) (known, error) {
	is, err := r.hubs.cfg.Directory.IsContact(ctx, q.identity, q.sender)
	switch {
	case err != nil:
		return known{}, err
	case is:
		return knownFor(contactKept), nil
	}
	return refusedFor(noContactKept, reasonNoContact), nil
}
