package main

import (
	"slices"

	"limegrove/cluster"
	"limegrove/edge"
)

// peers are the other edges, as gossip knows them.
type peers struct{ cluster *cluster.Cluster }

// Loads is that of edge.Peers.
func (p peers) Loads() []edge.Load { return loads(p.cluster.Members(), p.cluster.Incarnation()) }

// loads are those of the edges among members that take sessions, but for self.
func loads(members []cluster.Member, self string) []edge.Load {
	var all []edge.Load
	for _, m := range members {
		if m.Role == cluster.RoleEdge && !m.Draining && m.Incarnation != self {
			all = append(all, edge.Load{Edge: m.Incarnation, Sessions: m.Sessions})
		}
	}
	return all
}

var _ edge.Peers = peers{}

// AllAnswer is that of routing.Config.
func (p peers) AllAnswer() bool { return allAnswer(p.cluster.Members()) }

// allAnswer tells whether there is nobody of an earlier version.
func allAnswer(members []cluster.Member) bool {
	return !slices.ContainsFunc(members, func(m cluster.Member) bool { return !m.Hosts })
}
