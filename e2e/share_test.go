package e2e

import (
	"fmt"
	"testing"
	"time"
)

// TestSharedMessagesOutliveTheirEdge has four sessions share what is for their identity.
// The edge of two of them is killed while they have messages that they have not
// acknowledged: none is lost, and none of the others has one twice. L-RES-07, promise P1.
func TestSharedMessagesOutliveTheirEdge(t *testing.T) {
	t.Parallel()
	const messages = 400
	c := startCluster(t, 3)
	survivor, victim := c.edges[0], c.edges[1]
	ana := guest(t, goLibrary, c.edges[2], "ana/home")
	bots := make([]*session, 4)
	for i := range bots {
		at := survivor
		if i%2 == 1 {
			at = victim
		}
		bots[i] = guest(t, goLibrary, at, fmt.Sprintf("bot/%d", i))
		bots[i].setPresence(map[string]any{"status": "available", "routingRule": "identity", "roundRobin": true})
	}
	for i := range 40 { // each has its share, so that all know of all
		id := fmt.Sprintf("warm-%d", i)
		ana.send(text(id, bots[0].identity(), id))
	}
	eventually(t, "each has its share", patience, func() error {
		for _, b := range bots {
			if len(had(b, "warm-")) == 0 {
				return fmt.Errorf("%s has nothing", b.node)
			}
		}
		return nil
	})

	for i := range messages {
		id := fmt.Sprintf("m-%d", i)
		ana.send(text(id, bots[0].identity(), id))
		if i == messages/2 {
			victim.kill()
		}
	}
	ana.setReceipts("failed") // what was sent before it has been taken
	took := eventually(t, "all of it has come to somebody", withinPromise+patience, func() error {
		all := map[string]bool{}
		for _, b := range bots {
			for id := range had(b, "m-") {
				all[id] = true
			}
		}
		// What the dead sessions had, and had not acknowledged, is given to the others.
		if len(all) < messages {
			return fmt.Errorf("%d of %d", len(all), messages)
		}
		return nil
	})
	t.Logf("all was there %s after the last was sent", took.Round(time.Millisecond))
	for _, b := range []*session{bots[0], bots[2]} {
		for id, n := range had(b, "m-") {
			if n > 1 {
				t.Errorf("%s has %s %d times", b.node, id, n)
			}
		}
	}
	both := had(bots[2], "m-")
	for id := range had(bots[0], "m-") {
		if both[id] > 0 {
			t.Errorf("both of those that live have %s", id)
		}
	}
	for _, e := range ana.received() {
		if e.Event == "failed" {
			t.Errorf("%s has failed: %s", e.ID, e)
		}
	}
}

// had counts the messages that a session has, of those whose ids begin so.
func had(s *session, prefix string) map[string]int {
	all := map[string]int{}
	for _, e := range s.received() {
		if len(e.ID) > len(prefix) && e.ID[:len(prefix)] == prefix && e.Event == "" {
			all[e.ID]++
		}
	}
	return all
}
