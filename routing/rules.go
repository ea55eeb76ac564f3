package routing

import "limegrove/lime"

// The rules of LIME's presence, as they are for one session alone; see choose for
// those by which sessions compete. A nil presence, or one without a status, is a
// session that never said: it is reachable at its node, and a guest, whom LIME's
// clients let set none, at its identity as well. An explicit unavailable is not
// reachable, but by its server. LIME, presence.

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

// reachedAtOthers tells whether a session gets what is addressed to other instances of
// its identity. Authority over a domain is authority over oneself.
func reachedAtOthers(p *lime.Presence) bool {
	if p == nil || p.Status == lime.StatusUnavailable {
		return false
	}
	switch p.RoutingRule {
	case lime.RoutePromiscuous, lime.RouteDomain, lime.RouteRootDomain:
		return true
	}
	return p.Promiscuous
}

// competes tells whether what reaches a session depends on which others there are.
func competes(p *lime.Presence) bool {
	return p != nil && (p.RoundRobin || p.FilterByDistance || p.RoutingRule == lime.RouteIdentityByPriority)
}

// ruled tells whether a session has a rule that its address alone does not decide.
func ruled(p *lime.Presence) bool { return competes(p) || reachedAtOthers(p) }

// ruling is all that routing looks at in a presence.
type ruling struct {
	node, identity, guest, others bool // where it is reached
	byPriority, inTurn, near      bool
	echo                          bool
	priority                      int
}

func rulingOf(p *lime.Presence) ruling {
	r := ruling{
		node: reachedAtNode(p, false), identity: reachedAtIdentity(p, false, false), guest: reachedAtIdentity(p, true, false),
		others: reachedAtOthers(p),
	}
	if p != nil {
		r.byPriority, r.inTurn, r.near = p.RoutingRule == lime.RouteIdentityByPriority, p.RoundRobin, p.FilterByDistance
		r.echo, r.priority = p.Echo, p.Priority
	}
	return r
}

// listed tells whether the identity's instances include a session.
func listed(p *lime.Presence) bool {
	return p == nil || p.Status != lime.StatusUnavailable && p.Status != lime.StatusInvisible
}

// echoes tells whether a session gets what it has itself sent to its identity.
func echoes(p *lime.Presence) bool { return p != nil && p.Echo }
