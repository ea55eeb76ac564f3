package group

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// rights is the whole of who may do what, written another way than the table: for each
// action the roles, from the stranger to the owner, in a private, a public and a temporary
// group.
const rights = `
            private  public  temporary
see         .LSMO    ?LSMO   .LSMO
list        .LSMO    ?LSMO   .LSMO
join        .....    ?LSMO   .....
leave       .LSMO    .LSMO   .LSMO
send        ..SMO    ..SMO   ..SMO
add         ...MO    ...MO   ...MO
kick        ...MO    ...MO   ...MO
rank        ....O    ....O   ....O
change      ....O    ....O   ....O
delete      ....O    ....O   ....O
`

func TestWhoMayDoWhat(t *testing.T) {
	names := []string{"see", "list", "join", "leave", "send", "add", "kick", "rank", "change", "delete"}
	lines := strings.Split(strings.TrimSpace(rights), "\n")[1:]
	if len(lines) != int(actions) || len(names) != int(actions) {
		t.Fatalf("%d lines for %d actions", len(lines), actions)
	}
	for a, line := range lines {
		fields := strings.Fields(line)
		if fields[0] != names[a] || len(fields) != 1+int(types) {
			t.Fatalf("line %q is not of %s", line, names[a])
		}
		for in, roles := range fields[1:] {
			for r, c := range roles {
				if got, want := Role(r).May(Action(a), Type(in)), c != '.'; got != want {
					t.Errorf("%s in a %s group: role %d may: %v, want %v", names[a], Type(in), r, got, want)
				}
			}
		}
	}
}

// TestRanksAreOwnersToGive tries whatever one of any role may do to another.
func TestRanksAreOwnersToGive(t *testing.T) {
	for range 5000 {
		r, from, to, in := Role(rand.IntN(int(nobody))), Role(rand.IntN(int(nobody))), Role(1+rand.IntN(int(Owner))), Type(rand.IntN(int(types)))
		give := r.MayGive(from, to, in)
		switch {
		case r == Owner:
			if !give || !r.MayKick(from, in) {
				t.Errorf("an owner may not make a %v a %v, or kick it", from, to)
			}
		case r == Moderator:
			if give != (from < Moderator && to < Moderator) || r.MayKick(from, in) != (from < Moderator) {
				t.Errorf("a moderator makes a %v a %v: %v; kicks it: %v", from, to, give, r.MayKick(from, in))
			}
		default:
			if give || r.MayKick(from, in) {
				t.Errorf("a %v makes a %v a %v: %v", r, from, to, give)
			}
		}
		if r < Owner && Owner.MayGive(from, to, in) != true {
			t.Error("what a lower role may a higher may")
		}
		if give && !(r+1 > Owner) && !(r+1).MayGive(from, to, in) {
			t.Errorf("a %v may what a %v may not", r, r+1)
		}
	}
}

func TestWordsAreLIMEs(t *testing.T) {
	for text, want := range map[string]Role{"listener": Listener, "Member": Speaker, "MODERATOR": Moderator, "owner": Owner} {
		var r Role
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q is %v, %v", text, r, err)
		}
		if again, err := r.MarshalText(); !strings.EqualFold(string(again), text) || err != nil {
			t.Errorf("%v is written %q, %v", r, again, err)
		}
	}
	for text, want := range map[string]Type{"private": Private, "Public": Public, "temporary": Temporary} {
		var k Type
		if err := k.UnmarshalText([]byte(text)); err != nil || k != want || !strings.EqualFold(k.String(), text) {
			t.Errorf("%q is %v, %v", text, k, err)
		}
	}
	var r Role
	var k Type
	if r.UnmarshalText([]byte("king")) == nil || r.UnmarshalText(nil) == nil || k.UnmarshalText([]byte("secret")) == nil {
		t.Error("other words are taken")
	}
	if Role(9).String() != "Role(9)" || Type(9).String() != "Type(9)" {
		t.Error("what is none of them is written as one")
	}
}
