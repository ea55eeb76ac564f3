package group

import (
	"testing"

	"limegrove/lime"
)

// Somebody else may change a member between when permission was looked up and the change.
func TestWhoDecidesOfAMemberKnowsWhatItIs(t *testing.T) {
	w := newWorld(t, Config{})
	g := w.create(Group{Identity: ops})
	w.must(w.set(g, rui, Speaker))
	var seen []Role
	err := w.SetIf(w, g, rui, func(before Member) (Member, error) {
		if seen = append(seen, before.Role); len(seen) == 1 {
			w.must(w.Remove(w, g, rui))
		}
		if before.Role == Stranger {
			return Member{}, ErrNoMember
		}
		return Member{Address: lime.Node{Identity: rui, Instance: "2"}, Role: before.Role}, nil
	})
	wantReason(t, "removed meanwhile", err, ErrNoMember)
	if len(seen) != 2 || seen[0] != Speaker || seen[1] != Stranger {
		t.Errorf("it was %v", seen)
	}
	w.wantMembers("who was removed stays away", ops, "Ana owner")

	w.must(w.set(g, rui, Speaker))
	seen = nil
	w.must(w.SetIf(w, g, rui, func(before Member) (Member, error) {
		if seen = append(seen, before.Role); len(seen) == 1 {
			w.must(w.set(g, rui, Listener))
		}
		return Member{Address: lime.Node{Identity: rui}, Role: before.Role}, nil
	}))
	w.wantMembers("who was silenced stays so", ops, "Ana owner", "rui listener")
}
