package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestGossipKeysAreRotated in the steps of docs/security.md, one process after the other: they hear of each other all the
// time, and nobody is taken for dead.
func TestGossipKeysAreRotated(t *testing.T) {
	t.Parallel()
	const first, second = "aHVudGVyMmh1bnRlcjJodW50ZXIyISEh", "c2Vjb25kLWtleS1vZi0yNC1ieXRlcyEh"
	file := fileOf(t, "keys.yaml", "gossip-key: ["+first+"]\n")
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-config", file}}
	c.start(t, 2)
	processes := map[string]*process{c.routerAdmin: c.router, c.edges[0].admin: c.edges[0].process, c.edges[1].admin: c.edges[1].process}
	sessions := map[string]int{"edge-1": 0, "edge-2": 0}

	for step, keys := range []string{first + ", " + second, second + ", " + first, second} {
		must(t, os.WriteFile(file, []byte("gossip-key: ["+keys+"]\n"), 0o600))
		for admin, p := range processes {
			p.reload(t, admin, "done", float64(step+1))
			for _, e := range c.edges {
				guest(t, goLibrary, e, c.name("ana")+"/home")
				sessions[e.name]++
			}
			for at := range processes {
				eventually(t, fmt.Sprintf("step %d, after %s: others hear of new sessions", step+1, p.name), patience, func() error {
					return knowsOf(t, at, sessions)
				})
			}
		}
	}
	for at, p := range processes {
		for _, event := range []string{"dead", "leave"} {
			n, err := metric(t.Context(), at, `limegrove_cluster_events_total{kind="`+event+`"}`)
			if err != nil || n != 0 {
				t.Errorf("%s has seen %v members end as %s: %v", p.name, n, event, err)
			}
		}
	}

	must(t, os.WriteFile(file, []byte("gossip-key: ["+first+"]\n"), 0o600))
	late := startProcess(t, "late", t.TempDir(), routerProgram, c.shared("late", "-gossip", address(0), "-join", c.gossip)...)
	late.wantPrinted(t, "the router works")
	late.wantPrinted(t, "nobody to join has answered")
	must(t, c.edges[0].knows(t.Context(), 3))
}

// knowsOf returns an error unless a process knows of so many sessions of each edge.
func knowsOf(t *testing.T, at string, sessions map[string]int) error {
	t.Helper()
	text, err := page(t.Context(), at, "/status.json")
	if err != nil {
		return err
	}
	var s struct {
		Members []struct {
			ID       string
			Sessions int
		}
	}
	if err := json.NewDecoder(strings.NewReader(string(text))).Decode(&s); err != nil {
		return err
	}
	if len(s.Members) != len(sessions)+1 {
		return fmt.Errorf("it knows %d members", len(s.Members))
	}
	for _, m := range s.Members {
		if want, ok := sessions[m.ID]; ok && m.Sessions != want {
			return fmt.Errorf("it knows of %d sessions of %s, not %d", m.Sessions, m.ID, want)
		}
	}
	return nil
}
