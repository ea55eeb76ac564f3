package group

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// Set makes somebody a member of g, or another one than before: at that address and of
// that role. Of the last owner nothing else is made. Only of somebody new it counts what
// m.Invited says.
func (s *Store) Set(ctx context.Context, g Group, m Member) error {
	return s.SetIf(ctx, g, m.Address.Identity, func(Member) (Member, error) { return m, nil })
}

// SetIf is Set for who decides by what somebody is at that moment, in one step with respect
// to other changes of it: decide is given that, a zero Member for nothing, and may be called
// several times. It returns the member, of the same identity, or an error, which is among
// what SetIf returns.
func (s *Store) SetIf(ctx context.Context, g Group, who lime.Identity, decide func(before Member) (Member, error)) error {
	k, err := keysOf(g.Identity)
	if err != nil {
		return err
	}
	at, err := k.member(who)
	if err != nil {
		return err
	}
	var m Member
	err = s.groups.Change(ctx, at, func(old document.Document) (value []byte, err error) {
		if m, err = s.decided(ctx, k, g, old, decide); err != nil {
			return nil, err
		}
		return json.Marshal(m)
	})
	if err != nil {
		return fmt.Errorf("put %s into group %s: %w", who, g.Identity, err)
	}
	if m.Role != Owner || g.Owns(who) {
		return nil
	}
	err = s.Change(ctx, g.Identity, func(now *Group) error {
		switch {
		case now.Run != g.Run:
			return ErrNotFound
		case now.Owns(who):
		case len(now.Owners) >= maxOwners:
			return errOwners
		default:
			now.Owners = append(now.Owners, who)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Somebody may have removed the member meanwhile: see Remove.
	if _, err := s.groups.Latest(ctx, at); !errors.Is(err, document.ErrNotFound) {
		return err
	}
	return s.restore(ctx, k, g, m)
}

// decided is what becomes of a member, when there is room for it. Its hint is there by then;
// and who is to be an owner no more is none: who owns the group is said by the group, last
// when it is one more and first when it is one less.
func (s *Store) decided(ctx context.Context, k keys, g Group, old document.Document, decide func(Member) (Member, error)) (Member, error) {
	var before Member
	if old.Revision != 0 {
		was, err := decode[Member](old)
		if err != nil {
			return Member{}, err
		}
		if was.Role = g.roleOf(&was); was.Role != Stranger {
			before = was
		}
	}
	m, err := decide(before)
	if err != nil {
		return Member{}, err
	}
	who := m.Address.Identity
	m.Run, m.Added = g.Run, before.Added
	if before.Role != Stranger {
		m.Invited = before.Invited
	} else {
		m.Added = time.Now().UTC().Truncate(time.Millisecond)
		if err := s.mayTakeMore(ctx, k); err != nil {
			return Member{}, err
		}
		if err := s.mayJoinMore(ctx, who, m.Invited); err != nil {
			return Member{}, err
		}
	}
	if err := s.hint(ctx, who, g.Identity); err != nil {
		return Member{}, err
	}
	if m.Role != Owner && g.Owns(who) {
		err = s.disown(ctx, g, who)
	}
	return m, err
}

// restore writes a member and its hint again.
func (s *Store) restore(ctx context.Context, k keys, g Group, m Member) error {
	if err := s.hint(ctx, m.Address.Identity, g.Identity); err != nil {
		return err
	}
	return s.put(ctx, k, g, m)
}

// Remove takes somebody out of g: ErrNoMember when it is none, ErrLastOwner when nobody
// else owns the group. Who has become an owner since g was read stays, and errPromoted says
// so.
func (s *Store) Remove(ctx context.Context, g Group, who lime.Identity) error {
	return s.RemoveIf(ctx, g, who, func(Member) error { return nil })
}

// RemoveIf is Remove for who decides by what somebody is at that moment, in one step with
// respect to other changes of it: check is given that, and may be called several times. Its
// error is among what RemoveIf returns, and nothing is changed then.
func (s *Store) RemoveIf(ctx context.Context, g Group, who lime.Identity, check func(Member) error) error {
	k, err := keysOf(g.Identity)
	if err != nil {
		return err
	}
	at, err := k.member(who)
	if err != nil {
		return err
	}
	var was Member
	_, err = s.groups.RemoveIf(ctx, at, func(d document.Document) (err error) {
		if was, err = decode[Member](d); err != nil {
			return err
		}
		return s.letGo(ctx, g, was, check)
	})
	if errors.Is(err, document.ErrNotFound) { // but an owner of whom nothing else is known is one
		err = s.letGo(ctx, g, Member{Address: lime.Node{Identity: who}}, check)
	}
	if err == nil {
		err = s.unhint(ctx, who, g.Identity)
	}
	if err == nil && !g.Owns(who) {
		err = s.keepOwner(ctx, k, g, was)
	}
	if err != nil {
		return fmt.Errorf("remove %s from group %s: %w", who, g.Identity, err)
	}
	return nil
}

// letGo is what comes before a member is removed: it is checked, and is an owner no more.
func (s *Store) letGo(ctx context.Context, g Group, m Member, check func(Member) error) error {
	if m.Role = g.roleOf(&m); m.Role == Stranger {
		return ErrNoMember
	}
	if err := check(m); err != nil || m.Role != Owner {
		return err
	}
	return s.disown(ctx, g, m.Address.Identity)
}

// keepOwner restores a member that was removed when an owner has made it one meanwhile. Set
// names the owner and then looks for the member, Remove removes the member and then looks
// for the owner: so one of them sees what the other has done.
func (s *Store) keepOwner(ctx context.Context, k keys, g Group, was Member) error {
	d, err := s.groups.Latest(ctx, k.group)
	if errors.Is(err, document.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := decode[Group](d)
	if err != nil || now.Run != g.Run || !now.Owns(was.Address.Identity) {
		return err
	}
	if err := s.restore(ctx, k, g, was); err != nil {
		return err
	}
	return errPromoted
}

// disown takes an owner's name off the group, if there is another.
func (s *Store) disown(ctx context.Context, g Group, who lime.Identity) error {
	return s.Change(ctx, g.Identity, func(now *Group) error {
		if now.Run != g.Run {
			return ErrNotFound
		}
		others := slices.DeleteFunc(slices.Clone(now.Owners), who.EqualFold)
		if len(others) == 0 {
			return ErrLastOwner
		}
		now.Owners = others
		return nil
	})
}

// put writes a member's document.
func (s *Store) put(ctx context.Context, k keys, g Group, m Member) error {
	m.Run = g.Run
	at, err := k.member(m.Address.Identity)
	if err != nil {
		return err
	}
	value, err := json.Marshal(m)
	if err == nil {
		err = s.groups.Put(ctx, at, value)
	}
	if err != nil {
		return fmt.Errorf("put %s into group %s: %w", m.Address, g.Identity, err)
	}
	return nil
}

// mayTakeMore tells whether a group has room for another member.
func (s *Store) mayTakeMore(ctx context.Context, k keys) error {
	has, err := s.groups.HasRoom(ctx, k.members, int(s.maxMembers.Load()))
	if err == nil && !has {
		err = errFull
	}
	return err
}
