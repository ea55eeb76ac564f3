package edge

import (
	"strings"
	"unsafe"

	"limegrove/lime"
)

// Reasons for addresses. They are not changed.
var (
	reasonSender  = &lime.Reason{Code: lime.CodeAuthorizationUnauthorizedSender, Description: "The session may not send as this from or pp"}
	reasonAddress = &lime.Reason{Code: lime.CodeValidationInvalidRecipients, Description: "The from, to or pp is no node"}
	reasonForeign = &lime.Reason{Code: lime.CodeRoutingGatewayNotFound, Description: "The domain of to is not served here"}
)

// sender is in whose name an envelope comes.
type sender uint8

const (
	bySession   sender = iota // the session's own identity
	byAuthority               // somebody of a domain that the session has authority over
	onBehalf                  // somebody else, who has to have allowed it
)

// checkSender holds the envelope's from and pp against the session, and says in
// change what they become. The recipient sees the session's full node as from, in
// the spelling that was announced (L-MSG-01). A client may leave from away, or give
// its own node or identity (L-MSG-02); with its own node as pp, its identity stays
// as it is (L-MSG-04). Somebody else's from stays, too, with the session's own node
// as pp (L-MSG-03), which an authority over the domain may leave away.
func (s *session) checkSender(t *scratch, change *lime.Rewrite) (sender, error) {
	h := &t.header
	if h.PP != nil {
		pp, err := lime.ParseNodeView(h.PP)
		if err != nil {
			return bySession, reasonAddress
		}
		if !s.isOwnIdentity(pp) || !s.isOwnInstance(pp.Instance) {
			return bySession, reasonSender
		}
		t.pp = append(t.pp[:0], s.who.String()...)
		change.PP = t.pp
	}
	if h.From != nil {
		from, err := lime.ParseNodeView(h.From)
		if err != nil {
			return bySession, reasonAddress
		}
		own := s.isOwnIdentity(from)
		switch {
		case own && len(from.Instance) == 0 && h.PP != nil:
			t.from = lime.AppendIdentity(t.from[:0], s.who.Identity())
			change.From = t.from
			return bySession, nil
		case own && (len(from.Instance) == 0 || s.isOwnInstance(from.Instance)):
		case own || len(from.Name) == 0 || lime.IsPostmaster(from.Name):
			return bySession, reasonSender
		default:
			return s.somebodyElse(t, from, change)
		}
	}
	if string(h.From) != s.who.String() {
		t.from = append(t.from[:0], s.who.String()...)
		change.From = t.from
	}
	return bySession, nil
}

// somebodyElse takes a from that is not the session's own, whose domain is the session's when
// it is left out.
func (s *session) somebodyElse(t *scratch, from lime.NodeView, change *lime.Rewrite) (sender, error) {
	h := &t.header
	who := onBehalf
	switch {
	case s.hasAuthorityOver(from.Domain):
		who = byAuthority
		if h.PP == nil && h.Kind == lime.KindCommand { // routers tell the two apart by it
			t.pp = append(t.pp[:0], s.who.String()...)
			change.PP = t.pp
		}
	case h.PP == nil:
		return bySession, reasonSender
	}
	if len(from.Domain) == 0 {
		t.from = s.appendComplete(t.from[:0], from)
		change.From = t.from
	}
	return who, nil
}

// appendComplete appends a node that has no domain with the session's.
func (s *session) appendComplete(dst []byte, n lime.NodeView) []byte {
	dst = append(append(dst, n.Name...), '@')
	dst = append(dst, s.who.Domain()...)
	if len(n.Instance) > 0 {
		dst = append(append(dst, '/'), n.Instance...)
	}
	return dst
}

func (s *session) hasAuthorityOver(domain []byte) bool {
	if s.role() != lime.RoleAuthority && s.role() != lime.RoleRootAuthority {
		return false
	}
	return len(domain) == 0 || s.role().Over(s.who.Domain(), string(domain))
}

// mayActFor tells whether an envelope's from, which is not the session's, has allowed it.
func (s *session) mayActFor(t *scratch, change *lime.Rewrite) bool {
	text := t.header.From
	if change.From != nil {
		text = change.From
	}
	from, err := lime.ParseNodeView(text)
	return err == nil && s.member.MayActFor(from, &t.header)
}

// destination returns where an envelope goes, with the domain filled in that the
// client may leave out (L-ADR-03), and tells whether that is the server: an absent
// to, @domain, and the postmaster of a served domain (L-ADR-04, L-CMD-05). The view
// lives as long as the envelope and t.
func (s *session) destination(t *scratch, change *lime.Rewrite) (to lime.NodeView, server bool, err error) {
	h := &t.header
	if h.To == nil {
		return lime.NodeView{}, true, nil
	}
	to, err = lime.ParseNodeView(h.To)
	if err != nil {
		return lime.NodeView{}, false, reasonAddress
	}
	if len(to.Domain) == 0 {
		// The text that the recipient sees is complete, and the view is of it.
		t.to = s.appendComplete(t.to[:0], to)
		change.To = t.to
		if to, err = lime.ParseNodeView(t.to); err != nil {
			return lime.NodeView{}, false, reasonAddress
		}
	}
	domain := to.Domain
	if of, ok := lime.OfGroups(domain); ok {
		domain = of
	} else if of, ok := lime.OfRooms(domain); ok {
		domain = of
	}
	if !s.rules.serves(domain) && !equalFold(to.Domain, s.who.Domain()) {
		if len(to.Name) == 0 { // the server of another domain, which has no name here
			return lime.NodeView{}, false, reasonForeign
		}
		return to, false, nil // by way of a gateway, if there is one: L-MSG-10
	}
	if lime.IsBackend(to) && (h.Kind == lime.KindNotification || h.Kind == lime.KindCommand && h.Status != 0) {
		return to, false, nil // it hears what becomes of what it has sent, and takes nothing else
	}
	return to, len(to.Name) == 0 || lime.IsPostmaster(to.Name), nil
}

// isOwnIdentity tells whether an address is of the session's identity. A client may
// leave its own domain out.
func (s *session) isOwnIdentity(v lime.NodeView) bool {
	return equalFold(v.Name, s.who.Name()) && (len(v.Domain) == 0 || equalFold(v.Domain, s.who.Domain()))
}

func (s *session) isOwnInstance(instance []byte) bool {
	return equalFold(instance, s.who.Instance())
}

// isSelf tells whether an address reaches nobody but this session's identity or
// node.
func (s *session) isSelf(to lime.NodeView) bool {
	return s.isOwnIdentity(to) && (len(to.Instance) == 0 || s.isOwnInstance(to.Instance))
}

// serves tells whether a domain is one of this cluster's, in whatever case.
func (r *sessionRules) serves(domain []byte) bool {
	for _, d := range r.domains {
		if equalFold(domain, d) {
			return true
		}
	}
	return false
}

// equalFold compares parts of addresses, without allocating: the string of b lives
// for the call only.
func equalFold(b []byte, s string) bool {
	return strings.EqualFold(unsafe.String(unsafe.SliceData(b), len(b)), s)
}
