package group

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// Group is what a group is. It belongs to whoever got it.
type Group struct {
	Identity    lime.Identity   `json:"identity"` // as its first owner spelled it
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	PhotoURI    string          `json:"photoUri,omitempty"`
	Type        Type            `json:"type"`
	Creator     lime.Identity   `json:"creator"`
	Created     time.Time       `json:"created"`
	Owners      []lime.Identity `json:"owners"` // one at least

	// Session is the node with whose session a Temporary group ends.
	Session lime.Node `json:"session,omitzero"`

	// Run is another for each group.
	Run string `json:"run"`
}

// Member is somebody in a group. An identity is in a group once.
type Member struct {
	// Address is where messages to the group go for the member: its identity, or one
	// node of it.
	Address lime.Node `json:"address"`
	Role    Role      `json:"role"`
	Added   time.Time `json:"added"`
	Run     string    `json:"run"` // of the group

	// Invited says that somebody else has put the member into the group.
	Invited bool `json:"invited,omitempty"`
}

// Roster is a group with all its members.
type Roster struct {
	Group
	Members  []Member // by their keys
	Revision uint64   // of the last change of any of it
}

// Owns tells whether somebody is an owner, which a Member's role alone does not say.
func (g *Group) Owns(who lime.Identity) bool {
	return slices.ContainsFunc(g.Owners, who.EqualFold)
}

// roleOf is the role that a member has in g.
func (g *Group) roleOf(m *Member) Role {
	switch {
	case g.Owns(m.Address.Identity):
		return Owner
	case m.Run != g.Run:
		return Stranger
	}
	return min(m.Role, Moderator)
}

// The parts of a key behind the group's identity.
const (
	groupPart  = "group"
	memberPart = "member"
)

// keys are those of one group.
type keys struct{ all, group, members document.Key }

func keysOf(group lime.Identity) (k keys, err error) {
	if k.all, err = document.Of(group); err != nil {
		return keys{}, err
	}
	if k.group, err = k.all.Part(groupPart); err == nil {
		k.members, err = k.all.Part(memberPart)
	}
	return k, err
}

// member is the key of one of the group's members.
func (k keys) member(who lime.Identity) (document.Key, error) { return k.members.Identity(who) }

func decode[T any](d document.Document) (v T, err error) {
	if err := json.Unmarshal(d.Value, &v); err != nil {
		return v, fmt.Errorf("document %s: %w", d.Key, err)
	}
	return v, nil
}
