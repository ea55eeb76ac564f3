package lime

import "strings"

// Allows tells whether an envelope may be sent on behalf of owner, who has given the
// delegation, by its target.
func (d *Delegation) Allows(owner Identity, h *Header) bool {
	if !d.allowsKind(h.Kind) {
		return false
	}
	switch h.Kind {
	case KindMessage:
		return d.Messages == nil || d.allowsType(h.Type)
	case KindNotification:
		return d.Notifications == nil || d.allowsEvent(h.Event)
	case KindCommand:
		return d.Commands == nil || d.allowsCommand(owner, h)
	}
	return false
}

func (d *Delegation) allowsKind(k Kind) bool {
	if d.EnvelopeTypes == nil {
		return true
	}
	for _, name := range d.EnvelopeTypes {
		if name == kindNames[k] {
			return true
		}
	}
	return false
}

func (d *Delegation) allowsType(mediaType []byte) bool {
	t, err := ParseMediaType(string(mediaType))
	for _, m := range d.Messages {
		if err == nil && t.Is(m.Type) {
			return true
		}
	}
	return false
}

func (d *Delegation) allowsEvent(e Event) bool {
	for _, n := range d.Notifications {
		if n.Event == e {
			return true
		}
	}
	return false
}

func (d *Delegation) allowsCommand(owner Identity, h *Header) bool {
	var uri URI
	if h.URI != nil {
		var err error
		if uri, err = ParseURI(string(h.URI)); err != nil {
			return false
		}
	}
	for i := range d.Commands {
		if d.Commands[i].fits(owner, h, uri) {
			return true
		}
	}
	return false
}

// fits tells whether a command is of the kind. One whose URI is somebody else's is not the
// owner's resource, and a response has no URI: neither fits where a URI is named.
func (c *DelegatedCommand) fits(owner Identity, h *Header, uri URI) bool {
	status := statusPending
	if h.Status != 0 {
		status = h.Status.String()
	}
	switch {
	case c.Method != 0 && c.Method != h.Method, c.Status != "" && c.Status != status:
		return false
	case c.URI == "":
		return true
	case h.URI == nil || !uri.Owner.IsZero() && !uri.Owner.EqualFold(owner) || len(uri.Path) < len(c.uri.Path):
		return false
	}
	for i, segment := range c.uri.Path {
		if !strings.EqualFold(segment, uri.Path[i]) {
			return false
		}
	}
	return true
}
