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

// TestClientsOnTwoEdges plays all scenarios with clients of lime-js, with clients of
// Go, and with one of each, on one cluster.
func TestClientsOnTwoEdges(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-log-level", "trace")
	js := limeJS(t)
	pairs := []struct {
		name        string
		here, there library
	}{
		{"lime-js", js, js},
		{"Go", goLibrary, goLibrary},
		{"lime-js with Go", js, goLibrary},
	}
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			s := stage{c, place{p.here, c.edges[0]}, place{p.there, c.edges[1]}}
			for _, one := range slices.Concat(sessionScenarios, presenceScenarios, messageScenarios, commandScenarios) {
				t.Run(one.name, func(t *testing.T) {
					t.Parallel()
					one.play(t, s)
				})
			}
		})
	}
	for _, p := range []*process{c.router, c.edges[0].process, c.edges[1].process} { // L-SES-34
		for _, one := range []string{password, wrongPassword} {
			if log, _ := p.output.read(); bytes.Contains(log, []byte(one)) || bytes.Contains(log, []byte(secret(one))) {
				t.Errorf("the log of %s has a password", p.name)
			}
		}
	}
}
