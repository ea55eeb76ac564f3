package resource

import (
	"encoding/json"

	"limegrove/group"
	"limegrove/lime"
)

// Bounds of what a group says of itself, in bytes.
const (
	maxGroupName        = 256
	maxGroupDescription = 4096
	maxGroupPhoto       = 2048
)

// groupResource is a group as LIME writes it.
type groupResource struct {
	Identity    lime.Identity `json:"identity"`
	Name        string        `json:"name,omitempty"`
	Description string        `json:"description,omitempty"`
	Type        group.Type    `json:"type"`
	PhotoURI    string        `json:"photoUri,omitempty"`
	Creator     lime.Identity `json:"creator"`
	Created     string        `json:"created"`
	Members     string        `json:"members"` // the URI
}

func groupResourceOf(g *group.Group) groupResource {
	return groupResource{
		Identity: g.Identity, Name: g.Name, Description: g.Description, Type: g.Type, PhotoURI: g.PhotoURI,
		Creator: g.Creator, Created: lime.FormatTime(g.Created),
		Members: lime.URI{Path: []string{"groups", g.Identity.String(), "members"}}.String(),
	}
}

// givenGroup is a group as it was sent; what is nil was not. Its creator, the time and
// the members are the server's to say.
type givenGroup struct {
	Identity    lime.Identity `json:"identity"`
	Name        *string       `json:"name"`
	Description *string       `json:"description"`
	PhotoURI    *string       `json:"photoUri"`
	Type        *group.Type   `json:"type"`
}

func parseGroup(r Request) (g givenGroup, err error) {
	if err := r.checkType(lime.MediaGroup); err != nil {
		return g, err
	}
	if json.Unmarshal(r.Resource, &g) != nil { // its text may quote the input
		return g, badArgument("The group is malformed")
	}
	for _, bound := range []struct {
		what string
		text *string
		most int
	}{
		{"name", g.Name, maxGroupName},
		{"description", g.Description, maxGroupDescription},
		{"photoUri", g.PhotoURI, maxGroupPhoto},
	} {
		if bound.text != nil && len(*bound.text) > bound.most {
			return g, lime.NewReason(lime.CodeCommandInvalidArgument, "The group's %s has more than %d bytes", bound.what, bound.most)
		}
	}
	return g, nil
}

// newGroup is what g makes where there is no group.
func (g givenGroup) newGroup(id lime.Identity, r Request) group.Group {
	made := group.Group{Identity: id, Creator: r.From.Identity}
	if g.Type != nil {
		made.Type = *g.Type
	}
	g.write(&made, false)
	if made.Type == group.Temporary {
		if made.Session = r.From; !r.PP.IsZero() {
			made.Session = r.PP
		}
	}
	return made
}

// change makes now what g says, or adds it.
func (g givenGroup) change(now *group.Group, merge bool) error {
	to := group.Private
	if merge || g.Type == nil {
		to = now.Type
	}
	if g.Type != nil {
		to = *g.Type
	}
	if (to == group.Temporary) != (now.Type == group.Temporary) {
		return badArgument("A group is temporary from its beginning to its end, or never")
	}
	now.Type = to
	g.write(now, merge)
	return nil
}

// write sets the texts, and leaves those that were not given as they are when it merges.
func (g givenGroup) write(to *group.Group, merge bool) {
	for _, text := range []struct{ from, to *string }{
		{g.Name, &to.Name}, {g.Description, &to.Description}, {g.PhotoURI, &to.PhotoURI},
	} {
		switch {
		case text.from != nil:
			*text.to = *text.from
		case !merge:
			*text.to = ""
		}
	}
}

// memberResource is a member as LIME writes it.
type memberResource struct {
	Address lime.Node  `json:"address"`
	Role    group.Role `json:"role"`
}

// givenMember is a member as it was sent, or as the URI says.
type givenMember struct {
	address lime.Node
	role    group.Role // Stranger when it was not said
}

func parseMember(r Request) (m givenMember, err error) {
	if err := r.checkType(lime.MediaMember); err != nil {
		return m, err
	}
	var given struct {
		Address  *lime.Node     `json:"address"`
		Identity *lime.Identity `json:"identity"` // as the specification's schema calls it
		Role     *group.Role    `json:"role"`
	}
	if json.Unmarshal(r.Resource, &given) != nil {
		return m, badArgument("The member is malformed")
	}
	if given.Role != nil {
		m.role = *given.Role
	}
	switch {
	case given.Address != nil:
		m.address = given.Address.WithDefaults(r.From.Domain)
	case given.Identity != nil:
		m.address = lime.Node{Identity: *given.Identity}.WithDefaults(r.From.Domain)
	}
	if r.Segment("member") != "" {
		named, err := memberNode(r)
		switch {
		case err != nil:
			return m, err
		case m.address.IsZero():
			m.address = named
		case !m.address.Identity.EqualFold(named.Identity) || named.Instance != "" && !m.address.EqualFold(named):
			return m, badArgument("The member is not the one in the URI")
		}
	}
	if m.address.IsZero() {
		return m, badArgument("A member needs an address")
	}
	m.address, err = checkedMember(m.address)
	return m, err
}

// checkType refuses a resource of another type than want, or any JSON.
func (r Request) checkType(want string) error {
	if r.Type == "" {
		return nil
	}
	t, err := lime.ParseMediaType(r.Type)
	if err != nil || !t.Is(want) && !t.Is(lime.MediaJSON) {
		return lime.NewReason(lime.CodeValidationInvalidResource, "The type is not %s", want)
	}
	return nil
}

// jsonDocument is a resource of that type.
func jsonDocument(mediaType string, v any) (Document, error) {
	b, err := lime.MarshalJSON(v)
	return Document{mediaType, b}, err
}
