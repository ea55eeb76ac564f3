package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"limegrove/lime"
)

// Right is what somebody may do with a room. Rights are bits.
type Right uint8

// The rights.
const (
	Enter   Right = 1 << iota // to hear what is published, and to know who is there
	Publish                   // whether one is in the room or not
)

var rightNames = map[string]Right{"enter": Enter, "publish": Publish}

// Who is a kind of sessions.
type Who string

// The kinds.
const (
	Everyone Who = "everyone"
	Members  Who = "members" // those with an account, and gateways
	Guests   Who = "guests"
)

// What stands in a rule for who asks: its identity, and the name of that.
const (
	identityMark = "{identity}"
	nameMark     = "{name}"
)

// Rule lets a kind of sessions do something with the rooms that a room allows, in which a
// wildcard stands for any value, and {identity} and {name}, as whole values, for who asks.
//
//	{"room": "/user/{name}/*", "who": "members", "may": ["enter", "publish"]}
type Rule struct {
	Room Name
	Who  Who
	May  Right
}

// ErrRule matches every error about what is no rule.
var ErrRule = errors.New("malformed rule for rooms")

// UnmarshalJSON reads a rule. who is everyone when it is left out; the others cannot be.
func (r *Rule) UnmarshalJSON(b []byte) error {
	var given struct {
		Room json.RawMessage `json:"room"`
		Who  Who             `json:"who"`
		May  []string        `json:"may"`
	}
	if err := json.Unmarshal(b, &given); err != nil {
		return fmt.Errorf("%w: %w", ErrRule, err)
	}
	n, err := Of(given.Room)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRule, err)
	}
	*r = Rule{Room: n, Who: given.Who}
	switch r.Who {
	case "":
		r.Who = Everyone
	case Everyone, Members, Guests:
	default:
		return fmt.Errorf("%w: who is %q, and not everyone, members or guests", ErrRule, r.Who)
	}
	for _, name := range given.May {
		right, ok := rightNames[name]
		if !ok {
			return fmt.Errorf("%w: may has %q, and not enter or publish", ErrRule, name)
		}
		r.May |= right
	}
	if r.May == 0 {
		return fmt.Errorf("%w: may has nothing", ErrRule)
	}
	return nil
}

// Asker is who wants to do something.
type Asker struct {
	Identity lime.Identity
	Guest    bool
}

// Lets tells whether the rule lets somebody do something with a room.
func (r *Rule) Lets(a Asker, right Right, n Name) bool {
	if r.May&right != right || r.Who == Members && a.Guest || r.Who == Guests && !a.Guest {
		return false
	}
	shape, values := r.Room.Split()
	asked, others := n.Split()
	if shape != asked {
		return false
	}
	for i, v := range values {
		if own, ok := r.stands(v, a); ok {
			v = own
		} else if IsWild(v) {
			continue
		}
		if v != others[i] {
			return false
		}
	}
	return true
}

// stands returns the value that stands for who asks, if v is a mark.
func (r *Rule) stands(v string, a Asker) (own string, ok bool) {
	path := r.Room.isPath()
	if !path {
		v = strings.Trim(v, `"`)
	}
	switch v {
	case identityMark:
		own = a.Identity.Fold().String()
	case nameMark:
		own = a.Identity.Fold().Name
	default:
		return "", false
	}
	if path {
		return string(appendEscaped(nil, own)), true
	}
	return string(appendString(nil, own)), true
}

// Rules are what sessions may do. What no rule lets be done is forbidden.
type Rules []Rule

// Let tells whether one of the rules lets somebody do something with a room.
func (all Rules) Let(a Asker, right Right, n Name) bool {
	for i := range all {
		if all[i].Lets(a, right, n) {
			return true
		}
	}
	return false
}
