package edge

import (
	"encoding/json"

	"limegrove/lime"
)

// commandPrice is how many envelopes a command counts for that others than the edge have to do something for: a router,
// Redis, or a login's webhook.
const commandPrice = 4

// serve takes what is addressed to the server. What an edge knows best it answers
// itself: the session's own presence and receipts, and pings. Everything else goes to
// the routers.
//
// What is sent in somebody else's name is about what that one owns, not about the session.
func (s *session) serve(t *scratch, b []byte, who sender, change lime.Rewrite) error {
	h := &t.header
	switch {
	case h.Kind == lime.KindMessage:
		if h.ID != nil {
			s.notify(h, lime.EventReceived, nil) // L-MSG-13
		}
		return nil
	case h.Kind == lime.KindNotification: // L-NOT-09
		if h.To == nil {
			s.member.Receipt(h, t.changed(b, change))
		}
		return nil
	case !isRequest(h): // L-CMD-07, L-CMD-11
		if h.Status == 0 || !s.out.answered(h.ID) {
			s.out.count(dropUnwanted)
		}
		return nil
	case h.ID == nil: // L-CMD-08
		s.out.count(dropNoID)
		return nil
	}
	uri, err := lime.ParseURI(string(h.URI))
	if err != nil {
		return err
	}
	own := who == bySession && (uri.Owner.IsZero() || uri.Owner.EqualFold(s.who.Identity()))
	switch {
	case uri.HasPath("/ping"):
		return s.pong(h)
	case own && uri.HasPath("/receipt"):
		return s.receipt(h, b)
	case own && uri.HasPath("/capability"):
		return s.capability(h, b)
	case own && uri.HasPath("/quota"):
		return s.quota(h)
	case !s.envelopes.take(t.now, s.priceOfCommand()-s.price(), s.rules.envelopeRate):
		return reasonRate
	case own && uri.HasPath("/presence"):
		return s.presence(h, b)
	case own && uri.HasPath("/authentication"):
		return s.renew(h, b)
	case own && s.rules.rooms.on && aboutRooms(uri):
		return s.roomCommand(h, b, uri)
	}
	return s.member.Command(h, t.changed(b, change))
}

// mayRegister tells whether an envelope is the one that a guest may send with
// another identity as from: a new account in that name. A router decides about it.
func (s *session) mayRegister(h *lime.Header) bool {
	if !s.guest || !isRequest(h) || h.Method != lime.MethodSet {
		return false
	}
	uri, err := lime.ParseURI(string(h.URI))
	return err == nil && uri.HasPath("/account")
}

// rankApplicant is that of a session which may ask for a certificate, and nothing else.
var rankApplicant = lime.RoleApplicant.Rank()

// applies tells whether an envelope does that, or pings.
func (s *session) applies(h *lime.Header) bool {
	if !isRequest(h) || h.From != nil && !s.isOwn(h.From) || h.PP != nil {
		return false
	}
	uri, err := lime.ParseURI(string(h.URI))
	return err == nil && (h.Method == lime.MethodSet && uri.HasPath("/certificates") || uri.HasPath("/ping")) && uri.Owner.IsZero()
}

// isOwn tells whether an address is the session's own.
func (s *session) isOwn(from []byte) bool {
	n, err := lime.ParseNode(string(from))
	return err == nil && n.EqualFold(s.who.Node())
}

var reasonApplicant = &lime.Reason{Code: lime.CodeAuthorizationPermissionRequired, Description: "With the default certificate one of its own may be asked for, and nothing else"}

// mayAsk tells whether an envelope asks in somebody's name for what that one may share with
// its contacts. A router knows, and decides about it.
func (s *session) mayAsk(h *lime.Header) bool {
	if s.guest || !isRequest(h) || h.Method != lime.MethodGet {
		return false
	}
	uri, err := lime.ParseURI(string(h.URI))
	return err == nil && (uri.HasPath("/presence") || uri.HasPath("/account"))
}

// pong answers a ping: L-CMD-10.
func (s *session) pong(h *lime.Header) error {
	if h.Method != lime.MethodGet {
		return reasonMethod
	}
	s.respond(h, lime.CommandSuccess, lime.MediaPing, []byte("{}"), nil)
	return nil
}

// presence answers a command about the session's own presence.
func (s *session) presence(h *lime.Header, b []byte) error {
	switch h.Method {
	case lime.MethodGet:
		return s.getPresence(h)
	case lime.MethodSet:
		return s.setPresence(h, b)
	}
	return reasonMethod
}

// getPresence answers with the session's presence, which is unavailable before it
// is set (L-RES-01). Asked as the bare identity, it lists the instances (L-RES-04).
func (s *session) getPresence(h *lime.Header) error {
	p := s.member.Presence()
	if p.Status == "" {
		p.Status = lime.StatusUnavailable
	}
	if from, err := lime.ParseNodeView(h.From); err == nil && len(from.Instance) == 0 {
		p.Instances = s.member.Instances()
	}
	resource, err := json.Marshal(p)
	if err != nil {
		return err
	}
	s.respond(h, lime.CommandSuccess, lime.MediaPresence, resource, nil)
	return nil
}

// setPresence makes the given presence the session's. A rule that needs authority
// over a domain is refused without it: L-RES-06.
func (s *session) setPresence(h *lime.Header, b []byte) error {
	resource, err := smallResource(h, b)
	if err != nil {
		return err
	}
	given, err := s.rules.presences.parse(resource)
	if err != nil {
		return err
	}
	if !s.role().Allows(given.RoutingRule) {
		return lime.NewReason(lime.CodeCommandNotAllowed, "The routing rule %s needs authority over a domain", given.RoutingRule)
	}
	s.member.SetPresence(given)
	s.respond(h, lime.CommandSuccess, "", nil, nil)
	return nil
}

// maxDecoded is the longest command that is decoded on the loop.
const maxDecoded = 16 << 10

// smallResource returns the resource of a command, a part of b, of which h is the header.
func smallResource(h *lime.Header, b []byte) ([]byte, error) {
	if len(b) > maxDecoded {
		return nil, lime.NewReason(lime.CodeCommandInvalidArgument, "The command is longer than %d bytes", maxDecoded)
	}
	return h.Resource(b), nil
}

var reasonMethod = &lime.Reason{Code: lime.CodeCommandMethodNotSupported, Description: "The resource does not have this method"}
