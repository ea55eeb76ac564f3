package group

import (
	"fmt"
	"strings"
)

// Role is what somebody is in a group. A higher one may do whatever a lower one may.
type Role int

// The roles of LIME, and that of everybody else.
const (
	Stranger  Role = iota
	Listener       // receives only
	Speaker        // LIME's member, the default
	Moderator      // and adds and removes those below
	Owner          // and everything
	nobody         // is above all
)

var roleNames = [...]string{"", "listener", "member", "moderator", "owner"}

// String returns LIME's word; a Stranger has none.
func (r Role) String() string {
	if r < Stranger || r >= nobody {
		return fmt.Sprintf("Role(%d)", int(r))
	}
	return roleNames[r]
}

// MarshalText returns LIME's word.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads LIME's word, in any case. A Stranger has none.
func (r *Role) UnmarshalText(text []byte) error {
	for role := Listener; role < nobody; role++ {
		if strings.EqualFold(roleNames[role], string(text)) {
			*r = role
			return nil
		}
	}
	return fmt.Errorf("%.32q is no role in a group", text)
}

// Type is how a group is entered, and how long it lives.
type Type int

// The types of LIME.
const (
	Private   Type = iota // by invitation; the default
	Public                // anybody may join, read and leave
	Temporary             // private, and ends with its owner's session
	types
)

var typeNames = [...]string{"private", "public", "temporary"}

// String returns LIME's word.
func (t Type) String() string {
	if t < 0 || t >= types {
		return fmt.Sprintf("Type(%d)", int(t))
	}
	return typeNames[t]
}

// MarshalText returns LIME's word.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads LIME's word, in any case.
func (t *Type) UnmarshalText(text []byte) error {
	for i, name := range typeNames {
		if strings.EqualFold(name, string(text)) {
			*t = Type(i)
			return nil
		}
	}
	return fmt.Errorf("%.32q is no type of a group", text)
}

// Action is what somebody wants to do.
type Action int

// The actions.
const (
	See    Action = iota // the group's properties
	List                 // its members
	Join                 // as a member
	Leave                // the group
	Send                 // a message to it
	Add                  // somebody as a listener or a member, or make one the other
	Kick                 // somebody of a lower role
	Rank                 // make somebody a moderator or an owner, or one that no more
	Change               // the group's properties
	Delete               // the group
	actions
)

// least is the lowest role that may do something, by the type of the group. Whoever
// invites others or speaks for all is trusted by an owner; whoever came by himself may
// speak and leave.
var least = [actions][types]Role{
	See:    {Private: Listener, Public: Stranger, Temporary: Listener},
	List:   {Private: Listener, Public: Stranger, Temporary: Listener},
	Join:   {Private: nobody, Public: Stranger, Temporary: nobody},
	Leave:  {Private: Listener, Public: Listener, Temporary: Listener},
	Send:   {Private: Speaker, Public: Speaker, Temporary: Speaker},
	Add:    {Private: Moderator, Public: Moderator, Temporary: Moderator},
	Kick:   {Private: Moderator, Public: Moderator, Temporary: Moderator},
	Rank:   {Private: Owner, Public: Owner, Temporary: Owner},
	Change: {Private: Owner, Public: Owner, Temporary: Owner},
	Delete: {Private: Owner, Public: Owner, Temporary: Owner},
}

// May tells whether somebody of a role may do something in a group of a type.
func (r Role) May(a Action, in Type) bool { return r >= least[a][in] && r < nobody }

// MayGive tells whether somebody of role r may make another, who is of role from, one of
// role to.
func (r Role) MayGive(from, to Role, in Type) bool {
	if max(from, to) >= Moderator {
		return r.May(Rank, in)
	}
	return r.May(Add, in)
}

// MayKick tells whether somebody of role r may remove another of role other.
func (r Role) MayKick(other Role, in Type) bool {
	return r.May(Kick, in) && (r > other || r == Owner)
}
