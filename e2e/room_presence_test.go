package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// attends enters a room of that path, and is told who is there.
func (a *actor) attends(path string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	if _, err := a.Command(ctx, &lime.Command{
		Method: lime.MethodSubscribe, URI: "/rooms" + path, Type: lime.MediaRoom, Resource: []byte(`{"presence":true}`),
	}); err != nil {
		a.t.Fatalf("%s does not enter %s: %v", a.Node(), path, err)
	}
}

// wantPresent waits until a client was told that these, sorted, are in its room.
func (a *actor) wantPresent(why string, within time.Duration, want ...string) {
	a.t.Helper()
	deadline := time.After(within)
	for !slices.Equal(a.here, want) {
		select {
		case c := <-a.told:
			var d room.Document
			if err := json.Unmarshal(c.Resource, &d); err != nil || d.Count == nil {
				a.t.Fatalf("%s: %s is told %s", why, a.Node(), c.Resource)
			}
			if d.Occupants != nil {
				a.here = nil
			}
			for _, i := range slices.Concat(d.Occupants, d.Joined) {
				a.here = append(a.here, i.String())
			}
			for _, i := range d.Left {
				a.here = slices.DeleteFunc(a.here, func(other string) bool { return other == i.String() })
			}
			slices.Sort(a.here)
		case <-deadline:
			a.t.Fatalf("%s: %s was told last that %q are there", why, a.Node(), a.here)
		}
	}
}

// looksInto asks who is in a room.
func (a *actor) looksInto(path string) (d room.Document, err error) {
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	answer, err := a.Command(ctx, &lime.Command{Method: lime.MethodGet, URI: "/rooms" + path})
	if err == nil {
		err = json.Unmarshal(answer.Resource, &d)
	}
	return d, err
}

// TestWhoIsInARoom is told to those in it, whatever becomes of an edge, and of Redis: design,
// promises P6 and P7.
func TestWhoIsInARoom(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(rulesOfRooms), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 2, "-room-rules", rules)
	ana := arrive(t, c.edges[0], "ana@localhost", "")
	ana.attends("/public/lobby")
	ana.wantPresent("herself", patience, "ana@localhost")
	rui, lia := arrive(t, c.edges[1], "rui@localhost", ""), arrive(t, c.edges[1], "lia@localhost", "")
	lia.enters("/public/lobby", "")
	rui.attends("/public/lobby")
	all := []string{"ana@localhost", "lia@localhost", "rui@localhost"}
	ana.wantPresent("on the other edge", patience, all...)
	rui.wantPresent("likewise", patience, all...)
	lia.room(lime.MethodUnsubscribe, "/public/lobby", "")
	ana.wantPresent("one leaves", patience, "ana@localhost", "rui@localhost")

	if err := c.redis.Client().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	took := eventually(t, "Redis knows it again", withinPromise, func() error {
		d, err := lia.looksInto("/public/lobby")
		if err == nil && (d.Count == nil || *d.Count != 2 || len(d.Occupants) != 2) {
			err = fmt.Errorf("%+v are there", d)
		}
		return err
	})
	t.Logf("who is in the room was known again after %s", took.Round(time.Millisecond))

	began := time.Now()
	c.edges[1].kill()
	ana.wantPresent("those of a dead edge have left", withinPromise+2*time.Second, "ana@localhost") // told once a second at most
	t.Logf("those of the dead edge had left after %s", time.Since(began).Round(time.Millisecond))
	ana.enters("/public/lobby", "")
}
