package resource

import (
	"context"
	"strings"

	"limegrove/group"
	"limegrove/lime"
)

func (h groupHandler) members(ctx context.Context, r Request) (Document, error) {
	p, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	g, err := h.allowed(ctx, r, group.List)
	if err != nil {
		return Document{}, err
	}
	roster, err := h.groups.Roster(ctx, g.Identity, 0)
	if err != nil {
		return Document{}, err
	}
	items := make([]memberResource, len(roster.Members))
	for i, m := range roster.Members {
		items[i] = memberResource{m.Address, m.Role}
	}
	return collection(p, lime.MediaMember, items)
}

func (h groupHandler) member(ctx context.Context, r Request) (Document, error) {
	g, err := h.allowed(ctx, r, group.List)
	if err != nil {
		return Document{}, err
	}
	who, err := memberNode(r)
	if err != nil {
		return Document{}, err
	}
	m, err := h.groups.Member(ctx, g, who.Identity)
	if err == nil && who.Instance != "" && !strings.EqualFold(who.Instance, m.Address.Instance) {
		err = group.ErrNoMember
	}
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaMember, memberResource{m.Address, m.Role})
}

// setMember makes somebody a member, or gives another role.
func (h groupHandler) setMember(ctx context.Context, r Request) (Document, error) {
	given, err := parseMember(r)
	if err != nil {
		return Document{}, err
	}
	g, role, err := h.found(ctx, r)
	if err != nil {
		return Document{}, err
	}
	return Document{}, h.groups.SetIf(ctx, g, given.address.Identity, func(before group.Member) (group.Member, error) {
		return h.memberOf(ctx, r, given, before, g, role)
	})
}

// memberOf is what a requester of a role may make of what somebody is before.
func (h groupHandler) memberOf(ctx context.Context, r Request, given givenMember, before group.Member, g group.Group, role group.Role) (m group.Member, err error) {
	who := given.address
	from, to := before.Role, given.role
	if to == group.Stranger { // not said
		if to = from; from == group.Stranger {
			to = group.Speaker
		}
	}
	self := who.EqualFold(lime.Node{Identity: r.From.Identity, Instance: who.Instance})
	if self && !g.Owns(who.Identity) {
		role = from // which may have changed since it was looked up
	}
	switch {
	case self && from == group.Stranger && to == group.Speaker && role.May(group.Join, g.Type):
	case self && from != group.Stranger && from == to: // another address of one's own
	case !role.MayGive(from, to, g.Type), self && to > role:
		return m, notPermitted()
	}
	if !self && from != group.Stranger {
		// Where messages go is for the member alone to say.
		if who.Instance != "" && !strings.EqualFold(who.Instance, before.Address.Instance) {
			return m, notPermitted()
		}
		who = before.Address
	}
	if !self && from == group.Stranger {
		has, err := h.has(ctx, who.Identity)
		if err != nil {
			return m, err
		}
		if !has {
			return m, lime.NewReason(lime.CodeAuthorizationDestinationAccountNotFound, "Members have accounts here")
		}
		switch takes, err := h.takes(ctx, who.Identity, r.From.Identity); {
		case err != nil:
			return m, err
		case !takes:
			return m, notPermitted()
		}
	}
	return group.Member{Address: who, Role: to, Invited: !self}, nil
}

// removeMember takes somebody out of a group, or the requester: who has left.
func (h groupHandler) removeMember(ctx context.Context, r Request) (Document, error) {
	who, err := memberNode(r)
	if err != nil {
		return Document{}, err
	}
	g, role, err := h.found(ctx, r)
	if err != nil {
		return Document{}, err
	}
	self := who.Identity.EqualFold(r.From.Identity)
	switch {
	case self && role.May(group.Leave, g.Type):
	case !role.May(group.Kick, g.Type):
		return Document{}, notPermitted()
	}
	return Document{}, h.groups.RemoveIf(ctx, g, who.Identity, func(m group.Member) error {
		switch {
		case who.Instance != "" && !strings.EqualFold(who.Instance, m.Address.Instance):
			return group.ErrNoMember
		case !self && !role.MayKick(m.Role, g.Type):
			return notPermitted()
		}
		return nil
	})
}

// memberNode is the member that the URI names.
func memberNode(r Request) (lime.Node, error) {
	n, err := lime.ParseNode(r.Segment("member"))
	if err != nil {
		return n, lime.NewReason(lime.CodeValidationInvalidIdentity, "The member is no node")
	}
	return checkedMember(n.WithDefaults(r.From.Domain))
}

// checkedMember refuses who cannot be a member.
func checkedMember(n lime.Node) (lime.Node, error) {
	if _, ok := lime.OfGroups(n.Domain); ok || n.Name == "" || lime.IsPostmaster(n.Name) {
		return n, lime.NewReason(lime.CodeValidationInvalidIdentity, "The member is nobody who could be one")
	}
	return n, nil
}
