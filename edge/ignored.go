package edge

import (
	"strings"

	"limegrove/lime"
)

// reasonIgnored is what somebody is told from whom the edge takes nothing for a while.
var reasonIgnored = &lime.Reason{Code: lime.CodeAuthorizationError, Description: "The operators take nothing from this sender for a while"}

// ignored are those from whom nothing is taken: folded domains, identities and nodes. It is not changed.
type ignored struct{ peers map[string]struct{} }

// SetIgnored has the edge take nothing from these peers, and from all others as before: messages, and commands that are not for
// the server. Each is an identity, a node, or a domain, in whatever case. A session has it from its next envelope on. It may be
// called from anywhere.
func (e *Edge) SetIgnored(peers []string) {
	var all *ignored
	if len(peers) > 0 {
		all = &ignored{map[string]struct{}{}}
		for _, p := range peers {
			all.peers[strings.ToLower(p)] = struct{}{}
		}
	}
	e.ruling.Lock()
	defer e.ruling.Unlock()
	rules := *e.rules.Load()
	rules.ignored = all
	e.rules.Store(&rules)
	e.metrics.ignored.Set(float64(len(peers)))
}

// has tells whether somebody is ignored, by the node, the identity or the domain.
func (i *ignored) has(n lime.Node) bool {
	for _, text := range []string{n.Domain, n.Identity.String(), n.String()} {
		if _, is := i.peers[strings.ToLower(text)]; is {
			return true
		}
	}
	return false
}

// heed has a session know whether it is ignored, when others are, or it has its node.
func (s *session) heed() {
	s.shunned = s.rules.ignored != nil && s.who.String() != "" && s.rules.ignored.has(s.who.Node())
}

// isIgnored tells whether an envelope that is for others is from somebody who is ignored: the session, or whom it speaks for. What
// is said of messages that were handed out is heard all the same: they would come again.
func (s *session) isIgnored(h *lime.Header, who sender) bool {
	if h.Kind == lime.KindNotification {
		return false
	}
	if s.shunned || who == bySession {
		return s.shunned
	}
	from, err := lime.ParseNode(string(h.From))
	return err == nil && s.rules.ignored.has(from)
}
