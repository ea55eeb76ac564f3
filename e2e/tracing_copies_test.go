package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestTracingOfWhatIsForMany: rooms, groups, and what a backend sends in a request of its own trace.
func TestTracingOfWhatIsForMany(t *testing.T) {
	t.Parallel()
	spans := startCollector(t)
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(`[{"room":"/public/*","may":["enter","publish"]},{"room":"/kept/*","may":["enter","publish"],"history":{}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-trace-endpoint", spans.url, "-room-rules", rules}}
	c.start(t, 2)
	backend := c.startBackend(t, "router-api")
	ana, rui := c.person(t, goLibrary, c.edges[0], "ana"), c.person(t, goLibrary, c.edges[1], "rui")

	t.Run("a room", func(t *testing.T) {
		for _, kept := range []bool{false, true} {
			path, id, leaves := "/public/lobby", "", "forward"
			if kept {
				path, id, leaves = "/kept/hall", "m-1", "store"
			}
			room := ana.entersRoom(path)
			rui.entersRoom(path)
			p := newTraceparent("01")
			sent := p.traced(text(id, room, "to the room"))
			ana.send(sent)
			got := rui.wantText("it comes", "to the room")
			ana.wantText("here, too", "to the room")
			all := spans.wantTree(t, p, "receive edge-1", leaves+" edge-1 after receive", "deliver edge-1 after "+leaves, "deliver edge-2 after "+leaves)
			for _, s := range all {
				if s.name == "deliver" && (s.attributes["limegrove.copies"] != "1 false" || (s.attributes["limegrove.stored"] != "") != kept) {
					t.Errorf("a deliver of %s is %+v", path, s)
				}
				if s.name == "deliver" && s.process == "edge-2" && got.Metadata["traceparent"] != (traceparent{p.trace, s.id, p.flags}).String() {
					t.Errorf("it has come with %v", got.Metadata)
				}
			}
		}
	})
	t.Run("a group", func(t *testing.T) {
		group := c.name("club") + groupOf
		ana.wantDone("makes a group", "set", "/groups/"+group, "group", map[string]any{"type": "public"})
		ana.wantDone("adds a member", "set", "/groups/"+group+"/members", "groupmember", map[string]any{"address": rui.identity(), "role": "member"})
		p := newTraceparent("01")
		ana.send(p.traced(text("g-1", group, "to the group")))
		rui.wantText("it comes", "to the group")
		all := spans.wantTree(t, p, "receive edge-1", "store edge-1 after receive", "fan_out * after store", "deliver edge-2 after fan_out")
		for _, s := range all {
			if s.name == "fan_out" && s.attributes["limegrove.copies"] != "1 false" {
				t.Errorf("the copies are %+v", s)
			}
		}
	})
	t.Run("a backend's request", func(t *testing.T) {
		p := newTraceparent("01")
		backend.posts("it sends", 202, "/v1/messages", message(rui.node, "of a backend", `,"wait":"none"`), "traceparent", p.String())
		rui.wantText("it comes", "of a backend")
		spans.wantTree(t, p, "receive router-api", "store router-api after receive", "deliver edge-2 after store")

		own, other := newTraceparent("01"), newTraceparent("01")
		backend.posts("it says another itself", 202, "/v1/messages",
			message(rui.node, "of its own", fmt.Sprintf(`,"wait":"none","metadata":{"traceparent":%q}`, own)), "traceparent", other.String())
		rui.wantText("it comes", "of its own")
		spans.wantTree(t, own, "receive router-api", "store router-api after receive", "deliver edge-2 after store")
		if all := spans.of(other.trace); len(all) > 0 {
			t.Errorf("the request's trace has %+v", all)
		}

		backend.posts("no traceparent", 202, "/v1/messages", message(rui.node, "of nonsense", `,"wait":"none"`), "traceparent", "nonsense")
		if got := rui.wantText("it comes", "of nonsense"); got.Metadata != nil {
			t.Errorf("it has come with %v", got.Metadata)
		}
	})
}

// entersRoom has a session enter a room, and returns its address.
func (s *session) entersRoom(path string) (address string) {
	s.t.Helper()
	answer := s.call(Envelope{Method: "subscribe", URI: "/rooms" + path})
	resource, _ := answer.Resource.(map[string]any)
	if address, _ = resource["address"].(string); answer.Status != "success" || address == "" {
		s.t.Fatalf("%s enters %s: %s", s.node, path, answer)
	}
	return address
}

// wantTree waits until a trace has these steps, "name process after name", where * is any process, and nothing else.
func (c *spanCollector) wantTree(t *testing.T, p traceparent, steps ...string) (all []collected) {
	t.Helper()
	slices.Sort(steps)
	eventually(t, "the spans are collected", patience, func() error {
		all = c.of(p.trace)
		names := map[string]string{p.parent: ""}
		for _, s := range all {
			names[s.id] = s.name
		}
		var got []string
		for _, s := range all {
			parent, known := names[s.parent]
			process := s.process
			if slices.Contains(steps, s.name+" * after "+parent) {
				process = "*"
			}
			step := s.name + " " + process
			if parent != "" {
				step += " after " + parent
			} else if !known {
				step += " after nothing"
			}
			got = append(got, step)
		}
		slices.Sort(got)
		if !slices.Equal(got, steps) {
			return fmt.Errorf("there are %q, want %q", got, steps)
		}
		return nil
	})
	return all
}
