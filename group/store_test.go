package group

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"limegrove/document"
	"limegrove/lime"
)

func TestGroupIsMadeChangedAndDeleted(t *testing.T) {
	w := newWorld(t, Config{})
	_, err := w.Get(w, ops)
	wantReason(t, "before", err, ErrNotFound)
	g := w.create(Group{Identity: ops, Name: "Ops", Type: Public})
	if g.Created.IsZero() || g.Run == "" || !g.Owns(ana) || g.Type != Public || g.Name != "Ops" {
		t.Errorf("it is %+v", g)
	}
	wantReason(t, "again, in another spelling", w.Create(w, Group{Identity: lime.MustParseIdentity("OPS@Groups.X"), Creator: rui}), ErrExists)
	w.wantMembers("at first", ops, "Ana owner")
	w.must(w.Change(w, ops, func(g *Group) error { g.Description = "they"; return nil }))
	ours := errors.New("ours")
	if err := w.Change(w, ops, func(g *Group) error { g.Name = "lost"; return ours }); !errors.Is(err, ours) {
		t.Error(err)
	}
	if g, err := w.Get(w, ops); g.Description != "they" || g.Name != "Ops" || err != nil {
		t.Errorf("changed to %+v, %v", g, err)
	}
	w.must(w.set(g, rui, Speaker))
	w.must(w.Delete(w, g))
	wantReason(t, "deleted again", w.Delete(w, g), ErrNotFound)
	wantReason(t, "changed then", w.Change(w, ops, func(*Group) error { return nil }), ErrNotFound)
	_, err = w.Roster(w, ops, 0)
	wantReason(t, "listed then", err, ErrNotFound)
	if all, err := w.GroupsOf(w, rui); len(all) != 0 || err != nil {
		t.Errorf("Rui is in %v, %v", all, err)
	}
}

func TestWhatADeletedGroupLeftIsNotOfTheNext(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	w.must(w.set(g, rui, Moderator))
	// Its deletion is broken off behind the first step.
	k, err := keysOf(ops)
	w.must(err)
	w.must(w.groups.Remove(w, k.group))
	w.create(Group{Identity: ops})
	w.wantMembers("in the next group", ops, "Ana owner")
	if _, role, err := w.RoleOf(w, ops, rui); role != Stranger || err != nil {
		t.Errorf("Rui is a %v, %v", role, err)
	}
	if all, err := w.GroupsOf(w, rui); len(all) != 0 || err != nil {
		t.Errorf("Rui is in %v, %v", all, err)
	}
	wantReason(t, "who knows the group of before", w.Set(w, g, Member{Address: lime.Node{Identity: rui}, Role: Owner}), ErrNotFound)
	w.wantMembers("after that", ops, "Ana owner")
}

func TestDeletionIsOfTheGroupThatWasLookedAt(t *testing.T) {
	w := newWorld(t, Config{})
	first := w.create(Group{Identity: ops})
	w.must(w.set(first, lia, Speaker))
	k, err := keysOf(ops)
	w.must(err)
	// As if the deletion went on when the next of the name has members already.
	removed, err := w.groups.RemoveIf(w, k.group, func(document.Document) error { return nil })
	w.must(err)
	second := w.create(Group{Identity: ops})
	w.must(w.set(second, rui, Speaker))
	w.must(w.groups.ClearBefore(w, k.members, removed))
	w.wantMembers("members of the next", ops, "Ana owner", "rui member")
	if _, err := w.groups.Get(w, k.members+".x.lia"); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("what the first has left: %v", err)
	}
	wantReason(t, "who was asked about the first", w.Delete(w, first), ErrNotFound)
	w.wantMembers("still", ops, "Ana owner", "rui member")
	w.must(w.Delete(w, second))
	if all, err := w.groups.Under(w, k.all); len(all) != 0 || err != nil {
		t.Errorf("%d documents are left, %v", len(all), err)
	}
}

func TestMembersComeAndGo(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	w.must(w.set(g, rui, Listener))
	w.must(w.Set(w, g, Member{Address: lime.MustParseNode("lia@x/home"), Role: Moderator}))
	w.wantMembers("two more", ops, "Ana owner", "lia moderator", "rui listener")
	before, err := w.Member(w, g, rui)
	w.must(err)
	w.must(w.set(g, lime.MustParseIdentity("RUI@X"), Speaker))
	w.wantMembers("another role", ops, "Ana owner", "lia moderator", "RUI member")
	if after, err := w.Member(w, g, rui); !after.Added.Equal(before.Added) || err != nil {
		t.Errorf("added %v, and then %v, %v", before.Added, after.Added, err)
	}
	w.must(w.Remove(w, g, rui))
	wantReason(t, "removed again", w.Remove(w, g, rui), ErrNoMember)
	w.wantMembers("without Rui", ops, "Ana owner", "lia moderator")
}

func TestGroupHasAnOwner(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	wantReason(t, "the only owner leaves", w.Remove(w, g, ana), ErrLastOwner)
	wantReason(t, "and is made another", w.set(g, ana, Speaker), ErrLastOwner)
	w.must(w.set(g, rui, Owner))
	w.wantMembers("two", ops, "Ana owner", "rui owner")
	w.must(w.set(g, ana, Listener))
	w.wantMembers("handed over", ops, "Ana listener", "rui owner")
	w.must(w.set(g, ana, Owner))
	now, err := w.Get(w, ops)
	w.must(err)
	// Both leave at once, each as it knows the group.
	var all sync.WaitGroup
	var left [2]error
	for i, who := range []lime.Identity{ana, rui} {
		all.Go(func() { left[i] = w.Remove(w, now, who) })
	}
	all.Wait()
	if (left[0] == nil) == (left[1] == nil) {
		t.Errorf("one owner is to stay: %v", left)
	}
	if g, err := w.Get(w, ops); len(g.Owners) != 1 || err != nil {
		t.Errorf("it belongs to %v, %v", g.Owners, err)
	}
}

func TestWhoIsMadeAnOwnerIsNotRemovedByWhoDidNotKnow(t *testing.T) {
	w := newWorld(t, Config{})
	stale := w.create(Group{Identity: ops})
	w.must(w.set(stale, rui, Speaker))
	w.must(w.set(stale, rui, Owner))
	wantReason(t, "removed as a member", w.Remove(w, stale, rui), errPromoted)
	w.wantMembers("an owner stays", ops, "Ana owner", "rui owner")
	now, err := w.Get(w, ops)
	w.must(err)
	w.must(w.Remove(w, now, rui))
	w.wantMembers("removed as an owner", ops, "Ana owner")
}

func TestWhoRemovesDecidesByWhatTheMemberIsThen(t *testing.T) {
	w := newWorld(t, Config{})
	stale := w.create(Group{Identity: ops})
	w.must(w.set(stale, rui, Speaker))
	ours, raced := errors.New("ours"), false
	var seen []Role
	err := w.RemoveIf(w, stale, rui, func(m Member) error {
		seen = append(seen, m.Role)
		if !raced { // another is faster
			raced = true
			w.must(w.set(stale, rui, Moderator))
		}
		if m.Role >= Moderator {
			return ours
		}
		return nil
	})
	if !errors.Is(err, ours) || !slices.Equal(seen, []Role{Speaker, Moderator}) {
		t.Errorf("%v, after it was %v", err, seen)
	}
	w.wantMembers("who has risen stays", ops, "Ana owner", "rui moderator")
	w.must(w.set(stale, rui, Owner))
	now, err := w.Get(w, ops)
	w.must(err)
	if err := w.RemoveIf(w, now, rui, func(Member) error { return ours }); !errors.Is(err, ours) {
		t.Error(err)
	}
	w.wantMembers("refused, nothing is changed", ops, "Ana owner", "rui owner")
}

// Whatever of both comes first, the member is an owner as a whole or gone as a whole.
func TestRemovalAndPromotionAtOnce(t *testing.T) {
	w := newWorld(t, Config{})
	for i := range 50 {
		id := lime.Identity{Name: fmt.Sprint("g", i), Domain: "groups.x"}
		g := w.create(Group{Identity: id})
		w.must(w.set(g, rui, Speaker))
		var both sync.WaitGroup
		var promoted, removed error
		both.Go(func() { promoted = w.Set(w, g, Member{Address: lime.Node{Identity: rui}, Role: Owner}) })
		both.Go(func() { removed = w.Remove(w, g, rui) })
		both.Wait()
		if removed != nil && !errors.Is(removed, errPromoted) || promoted != nil {
			t.Fatalf("%d: %v, %v", i, promoted, removed)
		}
		r, err := w.Roster(w, id, 0)
		w.must(err)
		in := slices.ContainsFunc(r.Members, func(m Member) bool { return m.Address.Identity == rui })
		all, err := w.GroupsOf(w, rui)
		w.must(err)
		hinted := slices.ContainsFunc(all, func(g Group) bool { return g.Identity == id })
		if owns := r.Owns(rui); owns != in || owns != hinted || !owns {
			t.Errorf("%d: Rui owns it: %v, is a member: %v, knows it: %v", i, owns, in, hinted)
		}
	}
}

func TestOwnersAreBounded(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	for i := range maxOwners - 1 {
		w.must(w.set(g, lime.Identity{Name: fmt.Sprint("o", i), Domain: "x"}, Owner))
	}
	wantReason(t, "one more", w.set(g, rui, Owner), errOwners)
	if _, role, err := w.RoleOf(w, ops, rui); role == Owner || err != nil {
		t.Errorf("it is a %v all the same, %v", role, err)
	}
}

func TestMakingThatIsBrokenOffIsNoGroupLess(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	k, err := keysOf(ops)
	w.must(err)
	at, err := k.member(ana)
	w.must(err)
	w.must(w.groups.Remove(w, at)) // as if its owner's document had not been written
	if _, role, err := w.RoleOf(w, ops, ana); role != Owner || err != nil {
		t.Errorf("its owner is a %v, %v", role, err)
	}
	if all, err := w.GroupsOf(w, ana); len(all) != 1 || err != nil {
		t.Errorf("its owner is in %v, %v", all, err)
	}
	w.must(w.set(g, rui, Owner))
	g, err = w.Get(w, ops)
	w.must(err)
	w.must(w.Remove(w, g, ana))
	w.wantMembers("its first owner has left", ops, "rui owner")
	w.must(w.set(g, ana, Owner))
	w.wantMembers("written again", ops, "Ana owner", "rui owner")
}

func TestMembersAndGroupsAreBounded(t *testing.T) {
	w := newWorld(t, Config{MaxMembers: 2, MaxGroups: 2})
	g := w.create(Group{Identity: ops})
	w.must(w.set(g, rui, Speaker))
	wantReason(t, "a third", w.set(g, lia, Speaker), errFull)
	w.must(w.set(g, rui, Moderator)) // is there already
	w.must(w.Remove(w, g, rui))
	w.must(w.set(g, lia, Speaker)) // who has left takes no room
	second := w.create(Group{Identity: lime.MustParseIdentity("2@groups.x")})
	third := Group{Identity: lime.MustParseIdentity("3@groups.x"), Creator: ana}
	wantReason(t, "Ana's third", w.Create(w, third), errTooMany)
	w.must(w.Delete(w, second))
	w.must(w.Create(w, third)) // what is gone takes no room, either
	w.SetBounds(3, 3)
	w.must(w.Create(w, Group{Identity: lime.MustParseIdentity("4@groups.x"), Creator: ana})) // there is more of it
	w.must(w.set(g, rui, Speaker))
	w.SetBounds(1, 1)
	wantReason(t, "another one in a group that is above its bound", w.set(g, lime.MustParseIdentity("zoe@x"), Speaker), errFull)
}

func TestGroupsOfOthersLeaveRoomForOnesOwn(t *testing.T) {
	w := newWorld(t, Config{MaxGroups: 2})
	group := func(name string) Group { return Group{Identity: lime.Identity{Name: name, Domain: "groups.x"}} }
	put := func(creator, who, name string, invited bool) error {
		g := group(name)
		g.Creator, g.Type = lime.Identity{Name: creator, Domain: "x"}, Public
		w.must(w.Create(w, g))
		g, err := w.Get(w, g.Identity)
		w.must(err)
		return w.Set(w, g, Member{Address: lime.Node{Identity: lime.Identity{Name: who, Domain: "x"}}, Role: Speaker, Invited: invited})
	}
	w.must(put("eva", "rui", "1", true))
	w.must(put("eva", "rui", "2", true))
	wantReason(t, "a third by others", put("bia", "rui", "3", true), errTooMany)
	w.must(put("bia", "rui", "4", false))
	five := group("5")
	five.Creator = rui
	w.must(w.Create(w, five))
	wantReason(t, "a third of one's own", put("lia", "rui", "6", false), errTooMany)
	g, err := w.Get(w, lime.MustParseIdentity("1@groups.x"))
	w.must(err)
	w.must(w.set(g, rui, Owner)) // still one of those
	wantReason(t, "made an owner of the others'", put("lia", "rui", "7", true), errTooMany)
	if all, err := w.GroupsOf(w, rui); len(all) != 4 || err != nil {
		t.Errorf("Rui is in %d, %v", len(all), err)
	}
	now, err := w.Get(w, g.Identity)
	w.must(err)
	w.must(w.Remove(w, now, rui))
	w.must(put("zoe", "rui", "8", true)) // who has left takes no room
}

func TestHintsThatLeadNowhereGo(t *testing.T) {
	w := newWorld(t, Config{})
	w.must(w.hint(w, rui, ops))
	if all, err := w.GroupsOf(w, rui); len(all) != 0 || err != nil {
		t.Errorf("Rui is in %v, %v", all, err)
	}
	at, err := hintKey(rui, ops)
	w.must(err)
	h, err := w.memberships.Get(w, at)
	if err != nil {
		t.Fatalf("a fresh one is gone: %v", err)
	}
	stale := h
	w.must(w.hint(w, rui, ops)) // written again meanwhile
	w.must(forget(w, w.memberships, stale))
	h, err = w.memberships.Get(w, at)
	w.must(err)
	w.must(forget(w, w.memberships, h))
	if _, err := w.memberships.Get(w, at); err == nil {
		t.Error("it is still there")
	}
}

func TestForgottenIdentityIsInNoGroup(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	w.must(w.set(g, rui, Owner))
	w.must(w.set(g, lia, Speaker))
	alone := lime.MustParseIdentity("alone@groups.x")
	w.create(Group{Identity: alone})
	w.must(w.Forget(w, ana))
	w.wantMembers("what others own goes on", ops, "lia member", "rui owner")
	_, err := w.Get(w, alone)
	wantReason(t, "what nobody else owns", err, ErrNotFound)
	w.must(w.Forget(w, ana))
}

func TestRosterIsNoOlderThanWhatSomebodyWasToldOf(t *testing.T) {
	w := newWorld(t, Config{})
	if r, err := w.Revision(w, ops); r != 0 || err != nil {
		t.Errorf("of nothing: %d, %v", r, err)
	}
	g := w.create(Group{Identity: ops})
	seen := map[uint64]string{}
	for i, change := range []func() error{
		func() error { return nil },
		func() error { return w.set(g, rui, Speaker) },
		func() error { return w.set(g, rui, Listener) },
		func() error { return w.Remove(w, g, rui) },
		func() error { return w.Change(w, ops, func(g *Group) error { g.Name = "new"; return nil }) },
	} {
		w.must(change())
		revision, err := w.Revision(w, ops)
		w.must(err)
		if seen[revision] != "" {
			t.Errorf("change %d leaves the revision", i)
		}
		r, err := w.Roster(w, ops, revision)
		if err != nil || r.Revision != revision {
			t.Errorf("change %d: a roster of %d, want %d, %v", i, r.Revision, revision, err)
		}
		seen[revision] = "seen"
	}
	w.must(w.Delete(w, g))
	if r, err := w.Revision(w, ops); seen[r] != "" || err != nil {
		t.Errorf("deleted, it has the revision %d of before, %v", r, err)
	}
}

// A direct read finds 1,024 documents at most.
func TestRosterOfManyIsWhole(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	k, err := keysOf(ops)
	w.must(err)
	const many, atOnce = 1500, 30
	var all sync.WaitGroup
	errs := make([]error, atOnce)
	for n := range atOnce {
		all.Go(func() {
			for i := n; i < many && errs[n] == nil; i += atOnce {
				m := Member{Address: lime.Node{Identity: lime.Identity{Name: fmt.Sprint("m", i), Domain: "x"}}, Role: Speaker}
				errs[n] = w.put(w, k, g, m)
			}
		})
	}
	all.Wait()
	w.must(errors.Join(errs...))
	w.must(w.Remove(w, g, lime.MustParseIdentity("m7@x")))
	revision, err := w.Revision(w, ops)
	w.must(err)
	r, err := w.Roster(w, ops, revision)
	if len(r.Members) != many || r.Revision != revision || err != nil {
		t.Errorf("%d members of revision %d, want %d of %d, %v", len(r.Members), r.Revision, many, revision, err)
	}
}

func TestTemporaryGroupsAreFound(t *testing.T) {
	w := newWorld(t, Config{})
	w.create(Group{Identity: ops})
	brief := lime.MustParseIdentity("brief@groups.x")
	g := w.create(Group{Identity: brief, Type: Temporary, Session: lime.MustParseNode("Ana@x/home")})
	w.create(Group{Identity: lime.MustParseIdentity("brief@groups.y"), Type: Temporary})
	all, err := w.TemporaryIn(w, "groups.x")
	if err != nil || len(all) != 1 || all[0].Identity != brief || all[0].Session.Instance != "home" {
		t.Errorf("there are %+v, %v", all, err)
	}
	w.must(w.Delete(w, g))
	if all, err := w.TemporaryIn(w, "groups.x"); len(all) != 0 || err != nil {
		t.Errorf("then there are %+v, %v", all, err)
	}
}

func TestWhoMaySend(t *testing.T) {
	w := newWorld(t, Config{})
	why, err := w.MaySend(w, ana, ops)
	w.must(err)
	wantReason(t, "to no group", why, errNoDestination)
	g := w.create(Group{Identity: ops, Type: Public})
	w.must(w.set(g, rui, Listener))
	for who, want := range map[lime.Identity]*lime.Reason{ana: nil, rui: errSilent, lia: errSilent} {
		if why, err := w.MaySend(w, who, ops); err != nil || why != want {
			t.Errorf("%s: %v, %v, want %v", who, why, err, want)
		}
	}
}
