package lime

import (
	"encoding/json"
	"strings"
)

// Delegation is an identity's word that another may send envelopes in its name: with the
// identity as from and the sender's own node as pp. LIME, delegations.
type Delegation struct {
	// Target may send: a node, or all nodes of an identity.
	Target Node `json:"target"`

	// EnvelopeTypes are message, notification, command and session; nil for all. A session
	// envelope is on nobody's behalf, so that session says nothing.
	EnvelopeTypes []string `json:"envelopeTypes,omitempty"`

	// What of each kind; nil for all of it. One of several that fits is enough, and of one
	// all that is not "" has to fit.
	Messages      []DelegatedMessage      `json:"messages,omitempty"`
	Notifications []DelegatedNotification `json:"notifications,omitempty"`
	Commands      []DelegatedCommand      `json:"commands,omitempty"`
}

// DelegatedMessage is a message of a media type, in any case.
type DelegatedMessage struct {
	Type string `json:"type"`
}

// DelegatedNotification is one about an event.
type DelegatedNotification struct {
	Event Event `json:"event"`
}

// DelegatedCommand is a command by a method, about a resource or what is below it, and a
// request (pending) or a response of a status.
type DelegatedCommand struct {
	Method Method `json:"method,omitempty"`
	URI    string `json:"uri,omitempty"`
	Status string `json:"status,omitempty"`

	uri URI // parsed from URI
}

// maxDelegated bounds the constraints of each kind.
const maxDelegated = 64

// ParseDelegation reads what an owner sets. A bare name as target is one in the owner's
// domain. A list that is empty is refused: it could mean everything or nothing. So are
// constraints on what the types exclude. Unknown properties are left alone. An error is a
// *Reason with CodeCommandInvalidArgument.
func ParseDelegation(b []byte, owner Identity) (Delegation, error) {
	var d Delegation
	if json.Unmarshal(b, &d) != nil {
		return d, NewReason(CodeCommandInvalidArgument, "The delegation is malformed")
	}
	d.Target = d.Target.WithDefaults(owner.Domain)
	if d.Target.Name == "" {
		return d, NewReason(CodeCommandInvalidArgument, "The target is no identity or node")
	}
	for i, kind := range d.EnvelopeTypes {
		k := valueOf(kindNames, []byte(kind))
		if k == 0 {
			return d, NewReason(CodeCommandInvalidArgument, "An envelope type is not known")
		}
		d.EnvelopeTypes[i] = kindNames[k]
	}
	err := d.check(owner)
	return d, err
}

// check holds the lists against the rules, and prepares them.
func (d *Delegation) check(owner Identity) error {
	for _, l := range []struct {
		given bool
		n     int
		kind  Kind
	}{
		{d.EnvelopeTypes != nil, len(d.EnvelopeTypes), KindUnknown},
		{d.Messages != nil, len(d.Messages), KindMessage},
		{d.Notifications != nil, len(d.Notifications), KindNotification},
		{d.Commands != nil, len(d.Commands), KindCommand},
	} {
		switch {
		case !l.given:
		case l.n == 0 || l.n > maxDelegated:
			return NewReason(CodeCommandInvalidArgument, "A list is absent, or has 1 to %d entries", maxDelegated)
		case l.kind != KindUnknown && !d.allowsKind(l.kind):
			return NewReason(CodeCommandInvalidArgument, "The envelope types exclude what is constrained")
		}
	}
	for _, m := range d.Messages {
		if _, err := ParseMediaType(m.Type); err != nil {
			return NewReason(CodeCommandInvalidArgument, "A message's type is no media type")
		}
	}
	for _, n := range d.Notifications {
		if n.Event == 0 {
			return NewReason(CodeCommandInvalidArgument, "A notification's event is missing")
		}
	}
	for i := range d.Commands {
		if err := d.Commands[i].prepare(owner); err != nil {
			return err
		}
	}
	return nil
}

// statusPending is how one implementation calls a request's status.
const statusPending = "pending"

func (c *DelegatedCommand) prepare(owner Identity) error {
	c.Status = strings.ToLower(c.Status)
	switch c.Status {
	case "", statusPending, CommandSuccess.String(), CommandFailure.String():
	default:
		return NewReason(CodeCommandInvalidArgument, "A command's status is not known")
	}
	if !c.uri.Owner.IsZero() && !c.uri.Owner.EqualFold(owner) {
		return NewReason(CodeCommandInvalidArgument, "A command's uri is somebody else's")
	}
	return nil
}

// UnmarshalJSON also parses the URI, whose error it returns.
func (c *DelegatedCommand) UnmarshalJSON(b []byte) error {
	type plain DelegatedCommand // without this method
	if err := json.Unmarshal(b, (*plain)(c)); err != nil {
		return err
	}
	if c.URI == "" {
		return nil
	}
	var err error
	c.uri, err = ParseURI(c.URI)
	return err
}
