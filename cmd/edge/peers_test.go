package main

import (
	"slices"
	"testing"

	"limegrove/cluster"
	"limegrove/edge"
)

func TestLoadsAreThoseOfOtherEdgesThatTakeSessions(t *testing.T) {
	got := loads([]cluster.Member{
		{Incarnation: "a-1", Role: cluster.RoleEdge, Sessions: 1},
		{Incarnation: "b-1", Role: cluster.RoleEdge, Sessions: 2},
		{Incarnation: "c-1", Role: cluster.RoleEdge, Sessions: 3, Draining: true},
		{Incarnation: "d-1", Role: cluster.RoleRouter},
		{Incarnation: "e-1"}, // too new to be understood
		{Incarnation: "f-1", Role: cluster.RoleEdge},
	}, "a-1")
	if want := []edge.Load{{Edge: "b-1", Sessions: 2}, {Edge: "f-1"}}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

func TestAllAnswerWhenNobodyIsOfAnEarlierVersion(t *testing.T) {
	now := cluster.Member{Incarnation: "a-1", Role: cluster.RoleEdge, Hosts: true}
	if !allAnswer([]cluster.Member{now, {Role: cluster.RoleRouter, Hosts: true}}) {
		t.Error("all do")
	}
	if allAnswer([]cluster.Member{now, {Incarnation: "b-1", Role: cluster.RoleEdge}}) {
		t.Error("one does not say that it does")
	}
}
