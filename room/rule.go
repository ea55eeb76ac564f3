package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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

	// History has what is published to the rooms kept, whoever may enter them; nil leaves it
	// to other rules.
	//
	//	{"room": "/ride/*", "history": {"count": 100, "age": "10m"}}
	History *History
}

// writtenHistory is a History as rules have it.
type writtenHistory struct {
	Count int    `json:"count,omitempty"`
	Age   string `json:"age,omitempty"` // as Go writes durations
}

// ErrRule matches every error about what is no rule.
var ErrRule = errors.New("malformed rule for rooms")

// UnmarshalJSON reads a rule. who is everyone when it is left out. Of may and history there
// is one at least.
func (r *Rule) UnmarshalJSON(b []byte) error {
	var given struct {
		Room json.RawMessage `json:"room"`
		Who  Who             `json:"who"`
		May  []string        `json:"may"`

		History *writtenHistory `json:"history"`
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
	if h := given.History; h != nil {
		r.History = &History{Count: h.Count}
		if h.Age != "" {
			if r.History.Age, err = time.ParseDuration(h.Age); err != nil {
				return fmt.Errorf("%w: the age of a history: %w", ErrRule, err)
			}
		}
		if h.Count < 0 || r.History.Age < 0 {
			return fmt.Errorf("%w: a history of less than nothing", ErrRule)
		}
	}
	if r.May == 0 && r.History == nil {
		return fmt.Errorf("%w: may has nothing", ErrRule)
	}
	return nil
}

// MarshalJSON writes a rule as UnmarshalJSON reads it.
func (r Rule) MarshalJSON() ([]byte, error) {
	given := struct {
		Room json.RawMessage `json:"room"`
		Who  Who             `json:"who,omitempty"`
		May  []string        `json:"may,omitempty"`

		History *writtenHistory `json:"history,omitempty"`
	}{Room: r.Room.AppendJSON(nil), Who: r.Who}
	if r.Who == Everyone {
		given.Who = ""
	}
	if h := r.History; h != nil {
		given.History = &writtenHistory{Count: h.Count}
		if h.Age != 0 {
			given.History.Age = h.Age.String()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rightNames)) {
		if r.May&rightNames[name] != 0 {
			given.May = append(given.May, name)
		}
	}
	return json.Marshal(given)
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
	if r.Room == "" || n == "" || r.Room[0] != n[0] {
		return false
	}
	end := pairEnd
	if r.Room.isPath() {
		end = string(pathMark)
	}
	for ruled, asked, more := string(r.Room[1:]), string(n[1:]), true; more; {
		var v, other string
		var others bool
		v, ruled, more = strings.Cut(ruled, end)
		other, asked, others = strings.Cut(asked, end)
		if more != others || !r.letsValue(a, v, other) {
			return false
		}
	}
	return true
}

// letsValue tells whether a value of the rule's room, with its key if it has one, allows
// that of another room.
func (r *Rule) letsValue(a Asker, v, other string) bool {
	if !r.Room.isPath() {
		var key, asked string
		key, v, _ = strings.Cut(v, keyEnd)
		asked, other, _ = strings.Cut(other, keyEnd)
		if key != asked {
			return false
		}
	}
	if own, ok := r.stands(v, a); ok {
		return own == other
	}
	return v == other || IsWild(v)
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

// History returns what the first rule says that has a room kept; nil when none does.
func (all Rules) History(n Name) *History {
	for i := range all {
		if all[i].keeps(n) {
			return all[i].History
		}
	}
	return nil
}

// keeps tells whether the rule has a room kept: what stands for who asks stands for anybody.
func (r *Rule) keeps(n Name) bool {
	if r.History == nil {
		return false
	}
	shape, values := r.Room.Split()
	asked, others := n.Split()
	if shape != asked {
		return false
	}
	for i, v := range values {
		if _, mark := r.stands(v, Asker{}); !mark && !IsWild(v) && v != others[i] {
			return false
		}
	}
	return true
}

// Keep tells whether any rule has rooms kept.
func (all Rules) Keep() bool {
	return slices.ContainsFunc(all, func(r Rule) bool { return r.History != nil })
}
