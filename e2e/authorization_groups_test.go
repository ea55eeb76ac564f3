package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/group"
	"limegrove/lime"
)

// Who is in the groups of the matrix, besides the listener who hears all; to those who are
// in none an owner is no nearer.
//
//	ana     the owner, who gives whole and narrow what their names say
//	moe     a moderator
//	rui     a member
//	eve     a listener, who gives mute everything
//	oda     a member, of another domain
//	bia     has an account, and is in no group
//	dan     likewise, of another domain
//	gw      has authority over t.org, and is in no group
//	root    has authority over t.org and the domains below, groups.t.org among them
//	zed     a guest
var inGroups = play{
	actors: []string{"ana", "moe", "rui", "eve", "oda@sub.t.org", "bia", "dan@sub.t.org", "gw", "root", "zed", "whole", "narrow", "mute", "ear"},
	accounts: []string{
		"ana", "moe", "rui", "eve", "oda@sub.t.org", "bia", "dan@sub.t.org", "whole", "narrow", "mute", "ear", "new",
	},
	given: map[string][]string{
		"ana": {`{"target":"whole"}`, `{"target":"narrow","messages":[{"type":"text/plain"}],"envelopeTypes":["message","command"]}`},
		"eve": {`{"target":"mute"}`},
	},
	stored: true,
}

// accountsInNoGroup are the actors who are nothing in a group.
const accountsInNoGroup = "bia dan@sub.t.org gw root whole narrow mute"

// deed is something that is done in a group. $g is its address, $me the actor's identity.
type deed struct {
	name, command string
	// outcome is what it has, by actors, for everybody else it is 35. 0 is success.
	outcome map[string]lime.Code
	changes bool // a success changes something for those who are not named in idle
	idle    string
	public  map[string]lime.Code // what is otherwise in a public group
}

// all gives several actors one outcome.
func all(code lime.Code, lists ...string) map[string]lime.Code {
	outcome := map[string]lime.Code{}
	for _, list := range lists {
		for _, who := range strings.Fields(list) {
			outcome[who] = code
		}
	}
	return outcome
}

// but adds outcomes.
func but(outcome map[string]lime.Code, code lime.Code, list string) map[string]lime.Code {
	for _, who := range strings.Fields(list) {
		outcome[who] = code
	}
	return outcome
}

const (
	inIt      = "ana moe rui eve oda@sub.t.org"
	leaders   = "ana moe"
	lastOwner = lime.CodeCommandNotAllowed
)

func member(address, role string) string {
	return fmt.Sprintf("set /groups/$g/members/%s groupmember {\"role\":%q}", address, role)
}

var deeds = []deed{
	{name: "see", command: "get /groups/$g", outcome: all(0, inIt), public: all(0, accountsInNoGroup)},
	{name: "list members", command: "get /groups/$g/members", outcome: all(0, inIt), public: all(0, accountsInNoGroup)},
	{name: "see a member", command: "get /groups/$g/members/eve@t.org", outcome: all(0, inIt), public: all(0, accountsInNoGroup)},
	{
		name: "join", command: "set /groups/$g/members/$me groupmember {}", outcome: all(0, inIt),
		changes: true, idle: inIt, public: all(0, accountsInNoGroup),
	},
	{
		name: "be a member", command: member("$me", "member"), outcome: but(all(0, "rui oda@sub.t.org"), lastOwner, "ana"),
		changes: true, idle: inIt, public: all(0, accountsInNoGroup),
	},
	{name: "be a moderator", command: member("$me", "moderator"), outcome: but(all(0, "moe"), lastOwner, "ana")},
	{name: "be an owner", command: member("$me", "owner"), outcome: all(0, "ana")},
	{
		name: "leave", command: "delete /groups/$g/members/$me", outcome: but(all(0, "moe rui eve oda@sub.t.org"), lastOwner, "ana"),
		changes: true,
	},
	{
		name: "add", command: "set /groups/$g/members groupmember {\"address\":\"new@t.org\"}", outcome: all(0, leaders),
		changes: true,
	},
	{name: "add a listener", command: member("new@t.org", "listener"), outcome: all(0, leaders), changes: true},
	{name: "add a moderator", command: member("new@t.org", "moderator"), outcome: all(0, "ana"), changes: true},
	{name: "add an owner", command: member("new@t.org", "owner"), outcome: all(0, "ana"), changes: true},
	{
		name: "add who has no account", command: member("nobody@t.org", "member"),
		outcome: all(lime.CodeAuthorizationDestinationAccountNotFound, leaders),
	},
	{name: "have a listener speak", command: member("ear@t.org", "member"), outcome: all(0, leaders), changes: true},
	{name: "have a member listen", command: member("tim@t.org", "listener"), outcome: all(0, leaders), changes: true},
	{name: "have a moderator listen", command: member("max@t.org", "listener"), outcome: all(0, "ana"), changes: true},
	{name: "promote to a moderator", command: member("tim@t.org", "moderator"), outcome: all(0, "ana"), changes: true},
	{name: "promote to an owner", command: member("max@t.org", "owner"), outcome: all(0, "ana"), changes: true},
	{name: "say where a member's messages go", command: member("tim@t.org/phone", "member"), outcome: nil},
	{name: "remove a listener", command: "delete /groups/$g/members/ear@t.org", outcome: all(0, leaders), changes: true},
	{name: "remove a member", command: "delete /groups/$g/members/tim@t.org", outcome: all(0, leaders), changes: true},
	{name: "remove a moderator", command: "delete /groups/$g/members/max@t.org", outcome: all(0, "ana"), changes: true},
	{name: "remove the owner", command: "delete /groups/$g/members/ana@t.org", outcome: all(lastOwner, "ana")},
	{name: "change", command: "merge /groups/$g group {\"name\":\"x\"}", outcome: all(0, "ana"), changes: true},
	{name: "replace", command: "set /groups group {\"identity\":\"$g\",\"name\":\"x\"}", outcome: all(0, "ana"), changes: true},
	{name: "delete", command: "delete /groups/$g", outcome: all(0, "ana"), changes: true},
	{name: "see by the owner's URI", command: "get lime://ana@t.org/groups/$g", outcome: all(0, "ana")},
	{name: "list by the owner's URI", command: "get lime://ana@t.org/groups", outcome: all(0, "ana")},
}

// code is what an actor is answered in a group of a type.
func (d *deed) code(who string, in group.Type) lime.Code {
	if code, ok := d.outcome[who]; ok {
		return code
	}
	if code, ok := d.public[who]; ok && in == group.Public {
		return code
	}
	return lime.CodeAuthorizationPermissionRequired
}

// newGroup makes a group in which everybody is what inGroups says, and tim a member, max a
// moderator and ear a listener besides.
func (m *matrix) newGroup(t *testing.T, in group.Type) lime.Identity {
	t.Helper()
	m.made++
	id := lime.Identity{Name: fmt.Sprintf("g%d", m.made), Domain: "groups.t.org"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(m.groups.Create(t.Context(), group.Group{Identity: id, Type: in, Creator: of("ana"), Session: lime.MustParseNode(m.by["ana"].node)}))
	g, err := m.groups.Get(t.Context(), id)
	must(err)
	for who, role := range map[string]group.Role{
		"moe": group.Moderator, "max": group.Moderator, "rui": group.Speaker, "tim": group.Speaker,
		"oda@sub.t.org": group.Speaker, "eve": group.Listener, "ear": group.Listener,
	} {
		must(m.groups.Set(t.Context(), g, group.Member{Address: lime.Node{Identity: of(who)}, Role: role}))
	}
	return id
}

// is tells all of a group.
func (m *matrix) is(t *testing.T, id lime.Identity) string {
	t.Helper()
	r, err := m.groups.Roster(t.Context(), id, 0)
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%q %q %v:", r.Name, r.Type, r.Owners)
	for _, one := range r.Members {
		text += fmt.Sprintf(" %s %s", one.Address, one.Role)
	}
	return text
}

// Who may do what in a group, by what they are in it: every actor with every deed, in every
// type of group. A refusal changes nothing.
func TestWhoMayDoWhatInAGroup(t *testing.T) {
	t.Parallel()
	m := newMatrixOf(t, inGroups)
	for _, in := range []group.Type{group.Private, group.Public, group.Temporary} {
		id := m.newGroup(t, in)
		before := m.is(t, id)
		for _, d := range deeds {
			for _, who := range inGroups.actors[:len(inGroups.actors)-1] { // ear is for others
				s := m.by[who]
				e := command(strings.NewReplacer("$g", id.String(), "$me", s.identity()).Replace(d.command))
				what := fmt.Sprintf("%s in a %s group: %s", who, in, d.name)
				answer, want := s.call(e), d.code(who, in)
				if got := codeOf(answer); got != want || (got == 0) != (answer.Status == "success") {
					t.Errorf("%s: %s, want code %d", what, answer, want)
				}
				after := m.is(t, id)
				if changes := want == 0 && d.changes && !slices.Contains(strings.Fields(d.idle), who); (before != after) != changes {
					t.Errorf("%s: before\n%s\nafter\n%s", what, before, after)
				}
				if before != after {
					id = m.newGroup(t, in)
					before = m.is(t, id)
				}
			}
		}
	}
	for _, who := range inGroups.actors {
		want := lime.CodeCommandResourceNotFound
		if who == "zed" {
			want = lime.CodeAuthorizationPermissionRequired
		}
		if answer := m.by[who].get("/groups/none"); codeOf(answer) != want {
			t.Errorf("%s sees no group: %s, want %d", who, answer, want)
		}
		if answer := m.by[who].get("/groups"); (codeOf(answer) == 0) != (who != "zed") {
			t.Errorf("%s lists its groups: %s", who, answer)
		}
	}
}

func codeOf(answer Envelope) lime.Code {
	if answer.Reason == nil {
		return 0
	}
	return answer.Reason.Code
}
