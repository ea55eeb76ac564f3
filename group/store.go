package group

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// maxOwners bounds what the group's own document holds.
const maxOwners = 32

// Get returns a group, or ErrNotFound.
func (s *Store) Get(ctx context.Context, group lime.Identity) (Group, error) {
	k, err := keysOf(group)
	if err != nil {
		return Group{}, err
	}
	d, err := s.groups.Get(ctx, k.group)
	if errors.Is(err, document.ErrNotFound) {
		return Group{}, ErrNotFound
	}
	if err != nil {
		return Group{}, fmt.Errorf("get group %s: %w", group, err)
	}
	return decode[Group](d)
}

// Create makes a group with one owner, g.Creator, or returns ErrExists. It sets the time
// and the run itself.
func (s *Store) Create(ctx context.Context, g Group) error {
	owner := g.Creator
	if err := s.mayJoinMore(ctx, owner, false); err != nil {
		return err
	}
	k, err := keysOf(g.Identity)
	if err != nil {
		return err
	}
	g.Created, g.Run, g.Owners = time.Now().UTC().Truncate(time.Millisecond), rand.Text(), []lime.Identity{owner}
	if g.Type == Temporary {
		if err := s.temporary.Put(ctx, k.all, nil); err != nil { // before the group, so that it is found
			return fmt.Errorf("create group %s: %w", g.Identity, err)
		}
	}
	if err := s.hint(ctx, owner, g.Identity); err != nil {
		return err
	}
	err = s.groups.Change(ctx, k.group, func(old document.Document) ([]byte, error) {
		if old.Revision != 0 {
			return nil, ErrExists
		}
		return json.Marshal(g)
	})
	if err != nil {
		return fmt.Errorf("create group %s: %w", g.Identity, err)
	}
	return s.put(ctx, k, g, Member{Address: lime.Node{Identity: owner}, Role: Owner, Added: g.Created})
}

// Change changes what a group is, in one step with respect to other changes: change may
// be called several times. It returns ErrNotFound when there is none.
func (s *Store) Change(ctx context.Context, group lime.Identity, change func(*Group) error) error {
	k, err := keysOf(group)
	if err != nil {
		return err
	}
	err = s.groups.Change(ctx, k.group, func(old document.Document) ([]byte, error) {
		if old.Revision == 0 {
			return nil, ErrNotFound
		}
		g, err := decode[Group](old)
		if err == nil {
			err = change(&g)
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(g)
	})
	if err != nil {
		return fmt.Errorf("change group %s: %w", group, err)
	}
	return nil
}

// Delete removes a group, or returns ErrNotFound, also when there is another of its name by
// now. Its members are none from the first step on.
func (s *Store) Delete(ctx context.Context, g Group) error {
	k, err := keysOf(g.Identity)
	if err != nil {
		return err
	}
	removed, err := s.groups.RemoveIf(ctx, k.group, func(now document.Document) error {
		is, err := decode[Group](now)
		if err == nil && is.Run != g.Run {
			err = ErrNotFound
		}
		return err
	})
	if errors.Is(err, document.ErrNotFound) {
		return ErrNotFound
	}
	if err == nil {
		// Somebody may have made the next of the name already, whose members are younger. What
		// stays, should this fail, is of a run that is over. The note of a temporary group is
		// left to TemporaryIn for the same reason.
		err = s.groups.ClearBefore(ctx, k.members, removed)
	}
	if err != nil {
		return fmt.Errorf("delete group %s: %w", g.Identity, err)
	}
	return nil
}

// RoleOf returns a group and what somebody is in it. An owner of whom nothing else is
// known, since the group's making was broken off, is one.
func (s *Store) RoleOf(ctx context.Context, group, who lime.Identity) (Group, Role, error) {
	g, err := s.Get(ctx, group)
	if err != nil || g.Owns(who) {
		return g, Owner, err
	}
	m, err := s.Member(ctx, g, who)
	if errors.Is(err, ErrNoMember) {
		return g, Stranger, nil
	}
	return g, m.Role, err
}

// MaySend returns nil when somebody may send to a group, or why not: 42 or 35.
func (s *Store) MaySend(ctx context.Context, who, group lime.Identity) (*lime.Reason, error) {
	g, role, err := s.RoleOf(ctx, group, who)
	switch {
	case errors.Is(err, ErrNotFound):
		return errNoDestination, nil
	case err != nil:
		return nil, err
	case !role.May(Send, g.Type):
		return errSilent, nil
	}
	return nil, nil
}

// Member returns a member of g, or ErrNoMember. Its role is what it is in g.
func (s *Store) Member(ctx context.Context, g Group, who lime.Identity) (Member, error) {
	k, err := keysOf(g.Identity)
	if err != nil {
		return Member{}, err
	}
	at, err := k.member(who)
	if err != nil {
		return Member{}, err
	}
	d, err := s.groups.Get(ctx, at)
	if errors.Is(err, document.ErrNotFound) {
		return Member{}, ErrNoMember
	}
	if err != nil {
		return Member{}, fmt.Errorf("get %s of group %s: %w", who, g.Identity, err)
	}
	m, err := decode[Member](d)
	if err != nil {
		return Member{}, err
	}
	if m.Role = g.roleOf(&m); m.Role == Stranger {
		return Member{}, ErrNoMember
	}
	return m, nil
}

// Roster returns a group with all its members, not older than a revision that Revision
// has returned.
func (s *Store) Roster(ctx context.Context, group lime.Identity, least uint64) (r Roster, err error) {
	k, err := keysOf(group)
	if err != nil {
		return Roster{}, err
	}
	all, revision, err := s.groups.Whole(ctx, k.all, least)
	if err != nil {
		return Roster{}, fmt.Errorf("list group %s: %w", group, err)
	}
	r.Revision = revision
	i := slices.IndexFunc(all, func(d document.Document) bool { return d.Key == k.group })
	if i < 0 {
		return r, ErrNotFound
	}
	if r.Group, err = decode[Group](all[i]); err != nil {
		return Roster{}, err
	}
	r.Members = make([]Member, 0, len(all)-1)
	for _, d := range all {
		if d.Key == k.group {
			continue
		}
		m, err := decode[Member](d)
		if err != nil {
			return Roster{}, err
		}
		if m.Role = r.roleOf(&m); m.Role != Stranger {
			r.Members = append(r.Members, m)
		}
	}
	return r, nil
}

// Revision is that of the last change of a group or one of its members that anybody was
// told of.
func (s *Store) Revision(ctx context.Context, group lime.Identity) (uint64, error) {
	k, err := keysOf(group)
	if err != nil {
		return 0, err
	}
	return s.groups.Last(ctx, k.all)
}
