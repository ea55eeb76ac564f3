package group

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// hintKept is how long a hint is left alone that leads nowhere: whoever wrote it may
// still be about to write the rest.
const hintKept = time.Minute

// hint notes that somebody may be in a group.
func (s *Store) hint(ctx context.Context, who, group lime.Identity) error {
	at, err := hintKey(who, group)
	if err != nil {
		return err
	}
	text, err := json.Marshal(group)
	if err == nil {
		err = s.memberships.Put(ctx, at, text)
	}
	if err != nil {
		return fmt.Errorf("note that %s is in group %s: %w", who, group, err)
	}
	return nil
}

// unhint removes the hint of somebody who has left, but for one that is fresh: its writer may
// be about to write the member. Such a one is removed when it is found to lead nowhere.
func (s *Store) unhint(ctx context.Context, who, group lime.Identity) error {
	at, err := hintKey(who, group)
	if err != nil {
		return err
	}
	_, err = s.memberships.RemoveIf(ctx, at, func(h document.Document) error {
		if time.Since(h.Changed) <= hintKept {
			return errFresh
		}
		return nil
	})
	if errors.Is(err, document.ErrNotFound) || errors.Is(err, errFresh) {
		return nil
	}
	return err
}

var errFresh = errors.New("the hint is fresh")

func hintKey(who, group lime.Identity) (document.Key, error) {
	k, err := document.Of(who)
	if err != nil {
		return "", err
	}
	return k.Identity(group)
}

// mayJoinMore tells whether somebody may be in another group: by itself, or put there by
// others, who cannot use up what is its own. Hints that lead nowhere are removed before it
// is refused.
func (s *Store) mayJoinMore(ctx context.Context, who lime.Identity, invited bool) error {
	k, err := document.Of(who)
	if err != nil {
		return err
	}
	n, err := s.memberships.Count(ctx, k)
	if err == nil && n >= int(s.maxGroups.Load()) {
		var all []joined
		all, err = s.groupsOf(ctx, who)
		n = 0
		for i := range all {
			if all[i].invited == invited {
				n++
			}
		}
	}
	if err == nil && n >= int(s.maxGroups.Load()) {
		err = errTooMany
	}
	return err
}

// GroupsOf returns the groups that somebody is in, by their keys.
func (s *Store) GroupsOf(ctx context.Context, who lime.Identity) ([]Group, error) {
	found, err := s.groupsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	var all []Group
	for _, j := range found {
		all = append(all, j.Group)
	}
	return all, nil
}

// joined is a group that somebody is in.
type joined struct {
	Group
	invited bool
}

func (s *Store) groupsOf(ctx context.Context, who lime.Identity) ([]joined, error) {
	k, err := document.Of(who)
	if err != nil {
		return nil, err
	}
	hints, err := s.memberships.Under(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("groups of %s: %w", who, err)
	}
	var asked []document.Key // of each hint two
	at := make([]keys, len(hints))
	for i, h := range hints {
		group, err := decode[lime.Identity](h)
		if err != nil {
			return nil, err
		}
		if at[i], err = keysOf(group); err != nil {
			return nil, err
		}
		member, err := at[i].member(who)
		if err != nil {
			return nil, err
		}
		asked = append(asked, at[i].group, member)
	}
	found, err := s.groups.Several(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("groups of %s: %w", who, err)
	}
	documents := make(map[document.Key]document.Document, len(found))
	for _, d := range found {
		documents[d.Key] = d
	}
	var all []joined
	for i, h := range hints {
		g, in, err := isIn(documents, asked[2*i], asked[2*i+1], who)
		switch {
		case err != nil:
			return nil, err
		case in:
			all = append(all, g)
		case time.Since(h.Changed) > hintKept:
			if err := forget(ctx, s.memberships, h); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// isIn tells whether documents say that somebody is in a group.
func isIn(documents map[document.Key]document.Document, group, member document.Key, who lime.Identity) (g joined, in bool, err error) {
	d, ok := documents[group]
	if !ok {
		return g, false, nil
	}
	if g.Group, err = decode[Group](d); err != nil {
		return g, false, err
	}
	if d, ok = documents[member]; !ok {
		in = g.Owns(who)
		return g, in, nil
	}
	m, err := decode[Member](d)
	g.invited = m.Invited && m.Run == g.Run
	return g, err == nil && g.roleOf(&m) != Stranger, err
}

// forget removes a note that leads nowhere, unless it was written again.
func forget(ctx context.Context, from *document.Bucket, h document.Document) error {
	return from.Change(ctx, h.Key, func(now document.Document) ([]byte, error) {
		if now.Revision != h.Revision {
			return now.Value, nil
		}
		return nil, nil
	})
}

// Forget takes somebody out of all groups, and deletes those that nobody else owns. It is
// for an account that is no more; whoever takes the name next is in none.
func (s *Store) Forget(ctx context.Context, who lime.Identity) error {
	all, err := s.GroupsOf(ctx, who)
	if err != nil {
		return err
	}
	for _, g := range all {
		err := s.Remove(ctx, g, who)
		if errors.Is(err, ErrLastOwner) {
			err = s.Delete(ctx, g)
		}
		if err != nil && (lime.AsReason(err) == nil || errors.Is(err, errPromoted)) { // otherwise it is gone already
			return fmt.Errorf("forget %s: %w", who, err)
		}
	}
	return nil
}

// TemporaryIn returns the temporary groups of one of the domains of groups.
func (s *Store) TemporaryIn(ctx context.Context, domain string) (all []Group, err error) {
	k, err := document.Of(lime.Identity{Name: "x", Domain: domain})
	if err != nil {
		return nil, err
	}
	found, err := s.temporary.Under(ctx, k[:len(k)-len(".x")])
	if err != nil {
		return nil, fmt.Errorf("temporary groups of %s: %w", domain, err)
	}
	at := make([]document.Key, len(found))
	for i, d := range found {
		at[i] = d.Key + "." + groupPart
	}
	documents, err := s.groups.Several(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("temporary groups of %s: %w", domain, err)
	}
	there := make(map[document.Key]document.Document, len(documents))
	for _, d := range documents {
		there[d.Key] = d
	}
	for i, d := range found {
		g, ok := there[at[i]]
		if !ok {
			if time.Since(d.Changed) > hintKept {
				if err := forget(ctx, s.temporary, d); err != nil {
					return nil, err
				}
			}
			continue
		}
		decoded, err := decode[Group](g)
		if err != nil {
			return nil, err
		}
		if decoded.Type == Temporary {
			all = append(all, decoded)
		}
	}
	return all, nil
}
