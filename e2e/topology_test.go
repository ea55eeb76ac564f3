package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// noDomain has a leaf's clients speak to JetStream of the server beyond it as its own do. Both have to say so.
const noDomain = "default_js_domain: { \"$G\": \"\" }\n"

// TestEdgesAtLeafNodes: edges have a nats-server near them, a leaf of the one that keeps the streams.
func TestEdgesAtLeafNodes(t *testing.T) {
	t.Parallel()
	port := freePorts(t, 1)
	hub := startNATS(t, "-c", written(t, noDomain+"leafnodes { host: %q, port: %d }", loopback, port))
	c := &cluster{nats: hub, broker: hub.url}
	c.start(t, 1)
	for i := range 2 {
		name := fmt.Sprintf("leaf-%d", i+1)
		leaf := startBareNATS(t, name, noDomain+"leafnodes { remotes: [{ url: \"nats-leaf://%s\" }] }", address(port))
		c.addEdge(t, "-nats", leaf)
	}
	for between, places := range map[string][2]*edge{"the hub and a leaf": {c.edges[0], c.edges[1]}, "two leaves": {c.edges[1], c.edges[2]}} {
		t.Run(between, func(t *testing.T) { playAll(t, c, places[0], places[1]) })
	}
}

// TestEdgesOfTwoRegions: each region has servers of its own, which are connected by gateways; those of one keep the streams.
func TestEdgesOfTwoRegions(t *testing.T) {
	t.Parallel()
	home := natsCluster(t)
	port := freePorts(t, len(home)+1)
	gateway := func(region string, i int) string {
		return fmt.Sprintf("gateway { name: %s, host: %q, port: %d, gateways: [{ name: e2e, url: \"nats://%s\" }] }", region, loopback, port+i, address(port))
	}
	for i, s := range home {
		s.flags = append(s.flags, "-c", written(t, "%s", gateway("e2e", i)))
		s.start(t)
	}
	abroad := startBareNATS(t, "abroad", "%s", gateway("abroad", len(home)))
	c := &cluster{broker: home[0].url, settings: []string{"-replicas", "3"}}
	c.start(t, 1)
	c.addEdge(t, "-nats", abroad)
	playAll(t, c, c.edges[0], c.edges[1])
}

// playAll plays all scenarios with clients at two edges.
func playAll(t *testing.T, c *cluster, here, there *edge) {
	for _, one := range slices.Concat(sessionScenarios, presenceScenarios, messageScenarios, commandScenarios) {
		t.Run(one.name, func(t *testing.T) {
			one.play(t, stage{c, place{goLibrary, here}, place{goLibrary, there}})
		})
	}
}

// startBareNATS starts a nats-server with a configuration and without JetStream, and returns its URL.
func startBareNATS(t testing.TB, name, format string, args ...any) (url string) {
	t.Helper()
	port := freePorts(t, 1)
	startProcess(t, name, t.TempDir(), natsProgram, "-n", name, "-a", loopback, "-p", fmt.Sprint(port), "-c", written(t, format, args...)).
		wantPrinted(t, "Server is ready")
	return "nats://" + address(port)
}

// written is a file with a text.
func written(t testing.TB, format string, args ...any) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
