package e2e

import (
	"bytes"
	"slices"
	"testing"
)

// stage is where a scenario plays: two places for clients, on different edges.
type stage struct {
	*cluster
	here, there place
}

// place is a library whose clients connect to one edge.
type place struct {
	lib library
	at  *edge
}

// kind is a library, and how its clients reach an edge.
type kind struct {
	name string
	lib  library
	over func(*edge) *edge
}

// at is a place for clients of the kind.
func (k kind) at(e *edge) place { return place{k.lib, k.over(e)} }

// scenario is what two clients of whatever kind must see.
type scenario struct {
	name string
	play func(t *testing.T, s stage)
}

// guest has a guest log in under a name that nobody has had.
func (s stage) guest(t *testing.T, p place, name, instance string) *session {
	t.Helper()
	return guest(t, p.lib, p.at, s.name(name)+"/"+instance)
}

// TestClientsOnTwoEdges plays all scenarios with clients of lime-js, of lime-go over TCP,
// of Go and of lime/client, and with one of one and one of another, on one cluster. lime-go can bear all
// of them as long as it answers pings: else they are commands that nobody has asked for.
func TestClientsOnTwoEdges(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-log-level", "trace", "-tcp", address(0))
	js := kind{"lime-js", limeJS(t), (*edge).overWebSocket}
	ours := kind{"Go", goLibrary, (*edge).overWebSocket}
	tcp := kind{"lime-go over TCP", limeGo(t, "-pongs"), (*edge).overTCP}
	lib := kind{"lime/client", limeClient, (*edge).overWebSocket}
	libTCP := kind{"lime/client over TCP", limeClient, (*edge).overTCP}
	for _, p := range []struct{ here, there kind }{
		{js, js}, {ours, ours}, {js, ours}, {tcp, tcp}, {tcp, ours}, {js, tcp}, {lib, js}, {libTCP, lib},
	} {
		t.Run(p.here.name+" with "+p.there.name, func(t *testing.T) {
			s := stage{c, p.here.at(c.edges[0]), p.there.at(c.edges[1])}
			for _, one := range slices.Concat(sessionScenarios, presenceScenarios, messageScenarios, commandScenarios) {
				t.Run(one.name, func(t *testing.T) {
					t.Parallel()
					one.play(t, s)
				})
			}
		})
	}
	t.Run("lime-go speaks as it is recorded", func(t *testing.T) {
		at := platform{place: tcp.at(c.edges[0]), name: "lime-go", instance: "home"}
		speaksAsRecorded(t, stage{c, ours.at(c.edges[0]), ours.at(c.edges[1])}, at)
	})
	for _, p := range []*process{c.router, c.edges[0].process, c.edges[1].process} { // L-SES-34
		for _, one := range []string{password, wrongPassword} {
			if log, _ := p.output.read(); bytes.Contains(log, []byte(one)) || bytes.Contains(log, []byte(secret(one))) {
				t.Errorf("the log of %s has a password", p.name)
			}
		}
	}
}
