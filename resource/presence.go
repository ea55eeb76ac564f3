package resource

import (
	"context"
	"errors"

	"limegrove/lime"
)

// Presences tells who is there, and who wants to know. Errors that are for the requester
// match *lime.Reason: code 34 for one subscription too many, and 35 for one by somebody who
// would not be told.
type Presences interface {
	// Presence is what others see of an identity, or of its session at an instance.
	Presence(ctx context.Context, owner lime.Identity, instance string) (lime.Presence, error)
	// SharesPresence tells whether owner lets somebody see that. One that there is not lets
	// nobody.
	SharesPresence(ctx context.Context, owner, with lime.Identity) (bool, error)

	Subscribe(ctx context.Context, subscriber, target lime.Identity) error
	Unsubscribe(ctx context.Context, subscriber, target lime.Identity) (was bool, err error)
}

var (
	// errOwnPresence shows that something is connected wrongly.
	errOwnPresence = errors.New("a session's own presence is for its edge to answer")

	errNotSubscribed = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "There is no such subscription"}
)

// HandlePresence registers /presence as far as it is another identity's. It is to be seen
// by those with whom its owner shares it, by a contact or a delegation; others get 35, and cannot tell whether there is
// such an identity (L-CMD-14).
//
//   - get by lime://owner/presence returns what is to be seen of the identity, with its
//     instances, or lastSeen. With owner as from and the own node as pp it does, too, and
//     with the owner's node as from what is to be seen of that session;
//   - subscribe has the requester's identity told of changes by observe, first of what is
//     so now. It lasts until unsubscribe, which gives 67 when there is none, or until
//     the owner shares no more. Authority over the owner's domain is enough for get, and
//     not for this: it is a session's, and a subscription its identity's, which outlives
//     the session.
//
// Nobody sets another's presence: 35.
func HandlePresence(m *Mux, presences Presences) {
	h := presenceHandler{presences}
	const path = "/presence"
	m.Handle(lime.MethodGet, path, h.get)
	m.Handle(lime.MethodSubscribe, path, h.subscribe)
	m.Handle(lime.MethodUnsubscribe, path, h.unsubscribe)
	for _, method := range []lime.Method{lime.MethodSet, lime.MethodMerge, lime.MethodDelete} {
		m.Handle(method, path, func(_ context.Context, r Request) (Document, error) {
			if err := r.checkOwn(); err != nil {
				return Document{}, err
			}
			return Document{}, ownPresence(r)
		})
	}
}

// ownPresence is why a request for the presence of its own sender is not answered here: a backend, which has no session,
// cannot know better.
func ownPresence(r Request) error {
	if r.Backend {
		return lime.NewReason(lime.CodeCommandNotAllowed, "A session's presence is its own, and this is none")
	}
	return errOwnPresence
}

type presenceHandler struct{ presences Presences }

// parties returns whose presence a request is about, and who wants to know of it.
func (presenceHandler) parties(r Request) (owner, by lime.Identity, err error) {
	owner, by = r.From.Identity, r.From.Identity
	if r.behalf() {
		by = r.PP.Identity
	}
	switch {
	case r.URI.Owner.IsZero() || r.URI.Owner.EqualFold(owner):
	case r.behalf(): // who acts in somebody's name sees that one, and not all that one sees
		return owner, by, notPermitted()
	default:
		owner = r.URI.Owner
	}
	switch {
	case r.Guest:
		err = notPermitted()
	case owner.EqualFold(by):
		err = ownPresence(r)
	}
	return owner, by, err
}

// permitted is parties, when the owner lets the other see it.
func (h presenceHandler) permitted(ctx context.Context, r Request) (owner, by lime.Identity, err error) {
	owner, by, err = h.parties(r)
	if err != nil {
		return owner, by, err
	}
	shares, err := h.presences.SharesPresence(ctx, owner, by)
	if err == nil && !shares {
		err = r.checkPermitted(ctx)
	}
	return owner, by, err
}

func (h presenceHandler) get(ctx context.Context, r Request) (Document, error) {
	owner, _, err := h.permitted(ctx, r)
	if err != nil {
		return Document{}, err
	}
	instance := ""
	if r.behalf() {
		instance = r.From.Instance
	}
	p, err := h.presences.Presence(ctx, owner, instance)
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaPresence, p)
}

func (h presenceHandler) subscribe(ctx context.Context, r Request) (Document, error) {
	owner, by, err := h.parties(r)
	if err == nil {
		err = h.presences.Subscribe(ctx, by, owner)
	}
	return Document{}, err
}

// unsubscribe needs no permission: who may see no more may end it all the same.
func (h presenceHandler) unsubscribe(ctx context.Context, r Request) (Document, error) {
	owner, by, err := h.parties(r)
	if err != nil {
		return Document{}, err
	}
	was, err := h.presences.Unsubscribe(ctx, by, owner)
	if err == nil && !was {
		err = errNotSubscribed
	}
	return Document{}, err
}
