package routing

import "limegrove/lime"

// The rules of LIME's presence, as a hub applies them to its own sessions and to
// its view of the others. A nil presence, or one without a status, is a session
// that never said: it is reachable at its node, and a guest, whom LIME's clients
// let set none, at its identity as well. An explicit unavailable is not reachable,
// but by its server. LIME, presence.

// reachedAtNode tells whether a session gets what is addressed to its full node.
func reachedAtNode(p *lime.Presence, fromServer bool) bool {
	return p == nil || fromServer || p.Status != lime.StatusUnavailable
}

// reachedAtIdentity tells whether a session gets what is addressed to its bare
// identity. An available session that states no rule means the identity.
func reachedAtIdentity(p *lime.Presence, guest, fromServer bool) bool {
	switch {
	case fromServer:
		return true
	case p == nil || p.Status == "" && p.RoutingRule == "":
		return guest
	case p.Status == lime.StatusUnavailable:
		return false
	}
	return p.RoutingRule != lime.RouteInstance
}

// listed tells whether the identity's instances include a session.
func listed(p *lime.Presence) bool {
	return p == nil || p.Status != lime.StatusUnavailable && p.Status != lime.StatusInvisible
}

// echoes tells whether a session gets what it has itself sent to its identity.
func echoes(p *lime.Presence) bool { return p != nil && p.Echo }
