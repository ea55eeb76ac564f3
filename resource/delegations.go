package resource

import (
	"context"
	"encoding/json"

	"limegrove/lime"
)

// Delegations is where it is kept who may send in whose name. Errors that are for the
// requester match *lime.Reason: code 67 for a delegation that there is not, 34 for one too
// many, 64 for one that is too long. A target is a node, or all of an identity without an
// instance; addresses compare without regard to case.
type Delegations interface {
	// Delegate replaces what owner has given to the same target. Sessions of the target hear
	// of it, as of what is revoked.
	Delegate(ctx context.Context, owner lime.Identity, d lime.Delegation) error
	Revoke(ctx context.Context, owner lime.Identity, target lime.Node) error

	// Delegated returns what owner has given, in an order that stays, and Delegation what one
	// target was given.
	Delegated(ctx context.Context, owner lime.Identity) ([]lime.Delegation, error)
	Delegation(ctx context.Context, owner lime.Identity, target lime.Node) (lime.Delegation, error)
}

// HandleDelegations registers /delegations and /delegations/<target>, where an owner says who
// may send in its name.
//
//   - get of all is a collection, with take and skip (L-RES-11), get of one is that, or 67;
//   - set gives the target what the resource says, in place of what it had. The target is in
//     the resource, in the URI or in both, where they agree; 64 otherwise. One's own identity
//     needs none: 64;
//   - delete of one takes it back at once; 67 when there is none. The target may do so, too,
//     by the owner's URI.
//
// They are the owner's alone but for that: nobody can pass on what he was given, nor a guest
// give anything.
func HandleDelegations(m *Mux, delegations Delegations) {
	h := delegationsHandler{delegations}
	const all, one = "/delegations", "/delegations/{target...}"
	m.Handle(lime.MethodGet, all, h.list)
	m.Handle(lime.MethodSet, all, h.set)
	m.Handle(lime.MethodGet, one, h.get)
	m.Handle(lime.MethodSet, one, h.set)
	m.Handle(lime.MethodDelete, one, h.delete)
}

type delegationsHandler struct{ delegations Delegations }

// check refuses whoever is not the owner, and returns the target in the URI, if there is one.
func (delegationsHandler) check(r Request) (target lime.Node, err error) {
	if r.Guest {
		return target, lime.NewReason(lime.CodeAuthorizationPermissionRequired, "A guest's name is nobody's, and gives nothing")
	}
	if err := r.checkOwn(); err != nil {
		return target, err
	}
	text := r.Segment("target")
	if text == "" {
		return target, nil
	}
	target, err = lime.ParseNode(text)
	target = target.WithDefaults(r.From.Domain)
	if err != nil || target.Name == "" {
		return target, badArgument("The target in the URI is no identity or node")
	}
	return target, nil
}

func (h delegationsHandler) list(ctx context.Context, r Request) (Document, error) {
	if _, err := h.check(r); err != nil {
		return Document{}, err
	}
	page, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	all, err := h.delegations.Delegated(ctx, r.From.Identity)
	if err != nil {
		return Document{}, err
	}
	return collection(page, lime.MediaDelegation, all)
}

func (h delegationsHandler) get(ctx context.Context, r Request) (Document, error) {
	target, err := h.check(r)
	if err != nil {
		return Document{}, err
	}
	d, err := h.delegations.Delegation(ctx, r.From.Identity, target)
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaDelegation, d)
}

func (h delegationsHandler) set(ctx context.Context, r Request) (Document, error) {
	target, err := h.check(r)
	if err != nil {
		return Document{}, err
	}
	members, err := parseMembers(r.Type, lime.MediaDelegation, r.Resource)
	if err != nil {
		return Document{}, err
	}
	if !target.IsZero() && members["target"] == nil {
		if members["target"], err = json.Marshal(target); err != nil {
			return Document{}, err
		}
	}
	b, err := json.Marshal(members) // without what is null
	if err != nil {
		return Document{}, err
	}
	d, err := lime.ParseDelegation(b, r.From.Identity)
	switch {
	case err != nil:
		return Document{}, err
	case !target.IsZero() && !target.EqualFold(d.Target):
		return Document{}, badArgument("The target is not the one in the URI")
	case d.Target.Identity.EqualFold(r.From.Identity):
		return Document{}, badArgument("Nobody needs a delegation of his own")
	}
	return Document{}, h.delegations.Delegate(ctx, r.From.Identity, d)
}

// delete by the target is of what it was given. As many as it may be given others could give
// it, and leave no room for those that it wants.
func (h delegationsHandler) delete(ctx context.Context, r Request) (Document, error) {
	owner := r.owner()
	if !owner.EqualFold(r.From.Identity) && !r.behalf() {
		r.URI.Owner = lime.Identity{}
		target, err := h.check(r)
		if err == nil && !target.Identity.EqualFold(r.From.Identity) {
			err = notPermitted()
		}
		if err != nil {
			return Document{}, err
		}
		return Document{}, h.delegations.Revoke(ctx, owner, target)
	}
	target, err := h.check(r)
	if err != nil {
		return Document{}, err
	}
	return Document{}, h.delegations.Revoke(ctx, r.From.Identity, target)
}
