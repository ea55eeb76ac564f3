package routing

import (
	"context"
	"slices"
	"strings"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// Directory tells who can be sent to, and by whom. It is asked when a message with an id is
// for somebody whom this edge has not had a message for in the last while, and when the
// first session of an identity on this edge begins that is no guest's.
type Directory interface {
	// Account returns what an identity's account says of who may send to it, and tells
	// whether there is one: messages are stored for such.
	Account(ctx context.Context, i lime.Identity) (p lime.InboxPolicy, found bool, err error)
	// IsContact tells whether an identity is among the contacts of an account, and not
	// pending. It is asked about accounts that take messages from these alone.
	IsContact(ctx context.Context, owner, i lime.Identity) (bool, error)
	// Instances returns the instances of an identity that are in session, or were a
	// moment ago. It is asked about identities without an account.
	Instances(ctx context.Context, i lime.Identity) ([]string, error)
}

// owner finds out whose an address is.
func (r *recipients) owner(ctx context.Context, q *question) (known, error) {
	directory := r.hubs.cfg.Directory
	if directory == nil {
		return knownFor(accountKept), nil
	}
	policy, account, err := directory.Account(ctx, q.identity)
	if err != nil || account || q.gateway {
		k := knownFor(accountKept)
		if policy != (lime.InboxPolicy{}) {
			k.policy = &policy
		}
		return k, err
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

// among tells whether tokens of an identity's instances have the one that is asked
// about: any will do for the identity itself.
func (q *question) among(tokens []string) bool {
	return len(tokens) > 0 && (q.token == subject.Identity || slices.Contains(tokens, q.token))
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
	for m := range h.members.all() {
		b = append(append(b, m.token()...), ' ')
	}
	for i := range h.remote() {
		b = append(append(b, subject.Token(h.remote()[i].Node.Instance)...), ' ')
	}
	return b
}
