package resource

import (
	"context"
	"errors"
	"slices"
	"strings"

	"limegrove/group"
	"limegrove/lime"
)

// Groups is where groups are kept. Errors that are for the requester match *lime.Reason.
type Groups interface {
	Get(ctx context.Context, id lime.Identity) (group.Group, error)
	// GroupsOf returns the groups that somebody is in.
	GroupsOf(ctx context.Context, who lime.Identity) ([]group.Group, error)
	// RoleOf returns a group and what somebody is in it.
	RoleOf(ctx context.Context, id, who lime.Identity) (group.Group, group.Role, error)
	// Create makes a group that its creator owns; group.ErrExists when there is one.
	Create(ctx context.Context, g group.Group) error
	// Change may call change several times.
	Change(ctx context.Context, id lime.Identity, change func(*group.Group) error) error
	// Delete leaves another group that has the name by now, and returns group.ErrNotFound.
	Delete(ctx context.Context, g group.Group) error

	Roster(ctx context.Context, id lime.Identity, least uint64) (group.Roster, error)
	Member(ctx context.Context, g group.Group, who lime.Identity) (group.Member, error)
	Set(ctx context.Context, g group.Group, m group.Member) error
	// SetIf may call decide several times, with what somebody is then; zero for nothing.
	SetIf(ctx context.Context, g group.Group, who lime.Identity, decide func(before group.Member) (group.Member, error)) error
	// RemoveIf may call check several times, with what somebody is then.
	RemoveIf(ctx context.Context, g group.Group, who lime.Identity, check func(group.Member) error) error
}

// HandleGroups registers /groups and what is below it, for the groups of the domains that
// are served. has tells whether an identity has an account: only such are members; and takes
// whether an account lets somebody else put it into a group, whose messages it gets then.
//
//   - get /groups lists the groups that the requester is in, set makes or replaces the one
//     that the resource names;
//   - get, set, merge and delete /groups/<group>. To make one is for anybody with an
//     account, and the rest for those whom package group allows it;
//   - get and set /groups/<group>/members: all members, and one more or another role;
//   - get, set and delete /groups/<group>/members/<member>, with or without an instance.
//     To delete oneself is to leave.
//
// A group is named by its identity, or by its name when it is of the requester's domain.
// There is none: 67; it may not be done: 35; a guest: 35.
func HandleGroups(m *Mux, groups Groups, has func(context.Context, lime.Identity) (bool, error), takes func(ctx context.Context, owner, by lime.Identity) (bool, error), domains []string) {
	h := groupHandler{groups, has, takes, domains}
	m.Handle(lime.MethodGet, "/groups", h.own(h.list))
	m.Handle(lime.MethodSet, "/groups", h.own(h.set))
	m.Handle(lime.MethodGet, "/groups/{group}", h.own(h.get))
	m.Handle(lime.MethodSet, "/groups/{group}", h.own(h.set))
	m.Handle(lime.MethodMerge, "/groups/{group}", h.own(h.set))
	m.Handle(lime.MethodDelete, "/groups/{group}", h.own(h.delete))
	m.Handle(lime.MethodGet, "/groups/{group}/members", h.own(h.members))
	m.Handle(lime.MethodSet, "/groups/{group}/members", h.own(h.setMember))
	m.Handle(lime.MethodGet, "/groups/{group}/members/{member...}", h.own(h.member))
	m.Handle(lime.MethodSet, "/groups/{group}/members/{member...}", h.own(h.setMember))
	m.Handle(lime.MethodDelete, "/groups/{group}/members/{member...}", h.own(h.removeMember))
}

type groupHandler struct {
	groups  Groups
	has     func(context.Context, lime.Identity) (bool, error)
	takes   func(ctx context.Context, owner, by lime.Identity) (bool, error)
	domains []string
}

// own refuses what is asked in somebody else's name, and guests: a name that is
// everybody's is in no group.
func (h groupHandler) own(next Handler) Handler {
	return func(ctx context.Context, r Request) (Document, error) {
		if r.Guest {
			return Document{}, lime.NewReason(lime.CodeAuthorizationPermissionRequired, "Groups are for accounts")
		}
		if err := r.checkOwn(); err != nil {
			return Document{}, err
		}
		return next(ctx, r)
	}
}

func (h groupHandler) list(ctx context.Context, r Request) (Document, error) {
	p, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	all, err := h.groups.GroupsOf(ctx, r.From.Identity)
	if err != nil {
		return Document{}, err
	}
	items := make([]groupResource, len(all))
	for i := range all {
		items[i] = groupResourceOf(&all[i])
	}
	return collection(p, lime.MediaGroup, items)
}

func (h groupHandler) get(ctx context.Context, r Request) (Document, error) {
	g, err := h.allowed(ctx, r, group.See)
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaGroup, groupResourceOf(&g))
}

// set makes a group, replaces or merges.
func (h groupHandler) set(ctx context.Context, r Request) (Document, error) {
	given, err := parseGroup(r)
	if err != nil {
		return Document{}, err
	}
	id := given.Identity
	if named := r.Segment("group"); named != "" {
		at, err := h.identity(r, named)
		if err != nil {
			return Document{}, err
		}
		if !id.IsZero() && !withDomain(id, r).EqualFold(at) {
			return Document{}, badArgument("The identity is not the one in the URI")
		}
		if id.IsZero() {
			id = at
		}
	}
	if id, err = h.checked(withDomain(id, r)); err != nil {
		return Document{}, err
	}
	g, role, err := h.groups.RoleOf(ctx, id, r.From.Identity)
	if errors.Is(err, group.ErrNotFound) {
		err = h.groups.Create(ctx, given.newGroup(id, r))
		if !errors.Is(err, group.ErrExists) {
			return Document{}, err
		}
		g, role, err = h.groups.RoleOf(ctx, id, r.From.Identity) // of somebody who was faster
	}
	if err != nil {
		return Document{}, err
	}
	if !role.May(group.Change, g.Type) {
		return Document{}, notPermitted()
	}
	err = h.groups.Change(ctx, id, func(now *group.Group) error {
		return given.change(now, r.Method == lime.MethodMerge)
	})
	if err != nil {
		return Document{}, err
	}
	if _, err = h.groups.Member(ctx, g, r.From.Identity); errors.Is(err, group.ErrNoMember) {
		// Its making was broken off before its owner became a member.
		err = h.groups.Set(ctx, g, group.Member{Address: lime.Node{Identity: r.From.Identity}, Role: group.Owner})
	}
	return Document{}, err
}

func (h groupHandler) delete(ctx context.Context, r Request) (Document, error) {
	g, err := h.allowed(ctx, r, group.Delete)
	if err == nil {
		err = h.groups.Delete(ctx, g)
	}
	return Document{}, err
}

// allowed returns the group of the URI, when the requester may do something in it.
func (h groupHandler) allowed(ctx context.Context, r Request, a group.Action) (group.Group, error) {
	g, role, err := h.found(ctx, r)
	if err == nil && !role.May(a, g.Type) {
		err = notPermitted()
	}
	return g, err
}

// found returns the group of the URI and the requester's role in it.
func (h groupHandler) found(ctx context.Context, r Request) (g group.Group, role group.Role, err error) {
	id, err := h.identity(r, r.Segment("group"))
	if err != nil {
		return g, role, err
	}
	return h.groups.RoleOf(ctx, id, r.From.Identity)
}

// identity reads the name of a group.
func (h groupHandler) identity(r Request, text string) (lime.Identity, error) {
	id, err := lime.ParseIdentity(text)
	if err != nil {
		return lime.Identity{}, lime.NewReason(lime.CodeValidationInvalidIdentity, "The group is no identity")
	}
	return h.checked(withDomain(id, r))
}

// withDomain completes a group's identity that has no domain.
func withDomain(id lime.Identity, r Request) lime.Identity {
	if id.Domain == "" {
		id.Domain = lime.GroupsDomain(r.From.Domain)
	}
	return id
}

// checked refuses what cannot be a group's identity here.
func (h groupHandler) checked(id lime.Identity) (lime.Identity, error) {
	of, ok := lime.OfGroups(id.Domain)
	served := ok && slices.ContainsFunc(h.domains, func(d string) bool { return strings.EqualFold(d, of) })
	if id.Name == "" || lime.IsPostmaster(id.Name) || !served {
		return lime.Identity{}, lime.NewReason(lime.CodeValidationInvalidIdentity, "A group's identity is name@%s", lime.GroupsDomain("<domain>"))
	}
	return id, nil
}
