package resource

import (
	"context"
	"fmt"

	"limegrove/lime"
	"limegrove/room"
)

// Grants is where it is kept what identities may do with rooms. Errors that are for the
// requester match *lime.Reason: code 67 for an identity that was granted nothing, 64 for
// rules that are too long. Sessions of the identity hear of each change.
type Grants interface {
	// Grant replaces all that an identity was granted, and Revoke takes it back.
	Grant(ctx context.Context, id lime.Identity, rules room.Rules) error
	Revoke(ctx context.Context, id lime.Identity) error
	Granted(ctx context.Context, id lime.Identity) (room.Rules, error)
}

// HandleGrants registers /room-grants, what an identity may do with rooms beside what it may
// anyway. has tells whether it has an account: nobody else is granted anything.
//
//   - get is for the identity and for authorities over its domain. Who was granted nothing
//     has no rules;
//   - set replaces all with {"rooms": […]}, rules without a who, and delete takes it back. They
//     are for authorities alone; 67 without an account, or where nothing was granted, and 64
//     for what are no such rules, or too many.
//
// Nothing of it can be delegated.
func HandleGrants(m *Mux, grants Grants, has func(context.Context, lime.Identity) (bool, error)) {
	h := grantHandler{grants, has}
	const path = "/room-grants"
	m.Handle(lime.MethodGet, path, h.get)
	m.Handle(lime.MethodSet, path, h.set)
	m.Handle(lime.MethodDelete, path, h.delete)
}

type grantHandler struct {
	grants Grants
	has    func(context.Context, lime.Identity) (bool, error)
}

// check refuses whoever has no authority over the owner, who may look.
func (grantHandler) check(r Request) error {
	owner, by := r.owner(), r.sender()
	switch {
	case r.Guest, r.behalf() && !owner.EqualFold(r.From.Identity):
		return notPermitted()
	case r.Role.Over(by.Domain, owner.Domain), r.Method == lime.MethodGet && owner.EqualFold(by.Identity):
		return nil
	}
	return notPermitted()
}

func (h grantHandler) get(ctx context.Context, r Request) (Document, error) {
	if err := h.check(r); err != nil {
		return Document{}, err
	}
	rules, err := h.grants.Granted(ctx, r.owner())
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaRoomGrants, struct {
		Rooms room.Rules `json:"rooms"`
	}{append(room.Rules{}, rules...)})
}

func (h grantHandler) set(ctx context.Context, r Request) (Document, error) {
	if err := h.check(r); err != nil {
		return Document{}, err
	}
	members, err := parseMembers(r.Type, lime.MediaRoomGrants, r.Resource)
	if err != nil {
		return Document{}, err
	}
	if members["rooms"] == nil || len(members) > 1 {
		return Document{}, badArgument("Grants have rooms, an array, and nothing else")
	}
	rules, err := room.ParseGranted(members["rooms"])
	if err != nil {
		return Document{}, badArgument(fmt.Sprintf("%.200s", err))
	}
	owner := r.owner()
	has, err := h.has(ctx, owner)
	if err == nil && !has {
		err = lime.NewReason(lime.CodeCommandResourceNotFound, "The identity has no account")
	}
	if err != nil {
		return Document{}, err
	}
	return Document{}, h.grants.Grant(ctx, owner, rules)
}

func (h grantHandler) delete(ctx context.Context, r Request) (Document, error) {
	if err := h.check(r); err != nil {
		return Document{}, err
	}
	return Document{}, h.grants.Revoke(ctx, r.owner())
}
