package lime

import (
	"encoding/json"
	"errors"
	"maps"
)

// Contact is what an identity says of another one: the resource /contacts/<identity>,
// application/vnd.lime.contact+json.
type Contact struct {
	Identity Identity // of the contact, in the spelling in which it was given

	// Properties are the others, by their names, as JSON. They belong to the Contact.
	Properties map[string]json.RawMessage
}

// SharesPresence tells whether the contact may see the owner's presence. Who does not say
// shares it, but for a contact that is pending.
func (c Contact) SharesPresence() bool { return !c.Pending() && c.flag("sharePresence", true) }

// SharesAccountInfo tells whether the contact may read the owner's account; likewise.
func (c Contact) SharesAccountInfo() bool { return !c.Pending() && c.flag("shareAccountInfo", true) }

// Pending tells whether the owner has yet to accept the contact.
func (c Contact) Pending() bool { return c.flag("isPending", false) }

// flag reads a property. What is no boolean counts as not shared.
func (c Contact) flag(name string, otherwise bool) (is bool) {
	b, ok := c.Properties[name]
	switch {
	case !ok:
		return otherwise
	case json.Unmarshal(b, &is) != nil:
		return false
	}
	return is
}

// MarshalJSON writes the resource.
func (c Contact) MarshalJSON() ([]byte, error) {
	identity, err := MarshalJSON(c.Identity)
	if err != nil {
		return nil, err
	}
	members := make(map[string]json.RawMessage, len(c.Properties)+1)
	maps.Copy(members, c.Properties)
	members["identity"] = identity
	return MarshalJSON(members)
}

// UnmarshalJSON reads what MarshalJSON writes. It keeps all properties, whatever they are.
func (c *Contact) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	*c = Contact{Properties: members}
	identity, ok := members["identity"]
	if !ok {
		return errNoIdentity
	}
	delete(members, "identity")
	return json.Unmarshal(identity, &c.Identity)
}

var errNoIdentity = errors.New("a contact has an identity")
