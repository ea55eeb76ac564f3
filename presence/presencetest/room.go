package presencetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

// theRoom is how a room is registered: as an identity that nobody can have.
var theRoom = lime.Identity{Name: "/ride/42", Domain: "rooms.x"}

// inRoom is somebody's being in it.
func inRoom(who string, edge presence.EdgeID, session string) presence.Registration {
	return presence.Registration{Node: lime.Node{Identity: theRoom, Instance: who}, Edge: edge, Session: session}
}

// changes changes who is in the room.
func (w *world) changes(why string, entered, left []presence.Registration, occupants int, changed bool) presence.RoomState {
	w.Helper()
	states, err := w.store.ChangeRooms(w.ctx(), []presence.RoomChange{{Room: theRoom, Entered: entered, Left: left}})
	w.must(why, err)
	if s := states[0]; s.Occupants != occupants || s.Changed != changed {
		w.Errorf("%s: %+v, want %d occupants, changed %v", why, s, occupants, changed)
	}
	return states[0]
}

// occupants reads the room, and checks who is in it, in their order.
func (w *world) occupants(why string, most int, want ...string) presence.Occupants {
	w.Helper()
	all, err := w.store.Occupants(w.ctx(), []lime.Identity{theRoom}, most)
	w.must(why, err)
	var got []string
	for _, r := range all[0].Who {
		got = append(got, r.Node.Instance)
	}
	if !slices.Equal(got, want) {
		w.Errorf("%s: %q are there, want %q", why, got, want)
	}
	return all[0]
}

func whoIsInARoom(_ *testing.T, w *world) {
	w.live("e1", "e2")
	if o := w.occupants("of nobody", 10); o.Count != 0 || o.Version != 0 || !o.Listed {
		w.Errorf("of nobody: %+v", o)
	}
	ana, rui := inRoom("Ana@x/1", "e1", "s1"), inRoom("rui@x/1", "e2", "s2")
	first := w.changes("ana comes", []presence.Registration{ana}, nil, 1, true)
	second := w.changes("rui comes", []presence.Registration{rui}, nil, 2, true)
	if first.Version == 0 || second.Version != first.Version+1 {
		w.Errorf("the versions are %d and %d", first.Version, second.Version)
	}
	if o := w.occupants("both", 10, "Ana@x/1", "rui@x/1"); o.Version != second.Version || o.Count != 2 {
		w.Errorf("both: %+v, want version %d", o, second.Version)
	}
	again := w.changes("told again", []presence.Registration{ana}, nil, 2, false)
	if again.Version != second.Version {
		w.Errorf("told again: version %d, want %d", again.Version, second.Version)
	}
	if o := w.occupants("more than are listed", 1); o.Count != 2 || o.Listed {
		w.Errorf("more than are listed: %+v", o)
	}
	// Ana is elsewhere by now: the edge that she has left does not know it.
	moved := inRoom("ana@x/1", "e2", "s3")
	w.changes("ana comes elsewhere", []presence.Registration{moved}, nil, 2, true)
	w.changes("a late leave", nil, []presence.Registration{ana}, 2, false)
	w.changes("one comes and one goes", []presence.Registration{inRoom("lia@x/1", "e1", "s4")}, []presence.Registration{rui}, 2, true)
	w.occupants("then", 10, "ana@x/1", "lia@x/1")
	last := w.changes("all go", nil, []presence.Registration{moved, inRoom("lia@x/1", "e1", "s4")}, 0, true)
	next := w.changes("the room is there again", []presence.Registration{ana}, nil, 1, true)
	if next.Version <= last.Version {
		w.Errorf("a room made anew has version %d after %d", next.Version, last.Version)
	}
}

func deadInARoom(_ *testing.T, w *world) {
	w.live("e1")
	w.die("dead")
	w.changes("all come", []presence.Registration{inRoom("ana@x/1", "e1", "s1"), inRoom("rui@x/1", "dead", "s2")}, nil, 2, true)
	// Leases that were alive a moment ago are not looked at again.
	w.eventually("they are not listed", func() error {
		all, err := w.store.Occupants(w.ctx(), []lime.Identity{theRoom}, 10)
		if err == nil && len(all[0].Who) != 1 {
			err = fmt.Errorf("%v are listed", all[0].Who)
		}
		return err
	})
	removed, err := w.store.Sweep(w.ctx(), func(e presence.EdgeID) bool { return e == "dead" })
	w.must("sweep", err)
	if len(removed) != 1 || removed[0].Node.Identity != theRoom || removed[0].Node.Instance != "rui@x/1" {
		w.Errorf("%+v were removed", removed)
	}
	if o := w.occupants("when they are swept", 10, "ana@x/1"); o.Count != 1 || o.Version != removed[0].Version {
		w.Errorf("when they are swept: %+v, want version %d", o, removed[0].Version)
	}
}

func badRooms(_ *testing.T, w *world) {
	for why, c := range map[string]presence.RoomChange{
		"a line break":   {Room: theRoom, Entered: []presence.Registration{inRoom("ana\n", "e1", "s")}},
		"no instance":    {Room: theRoom, Left: []presence.Registration{inRoom("", "e1", "s")}},
		"no session":     {Room: theRoom, Entered: []presence.Registration{inRoom("ana@x/1", "e1", "")}},
		"too many of it": {Room: theRoom, Entered: make([]presence.Registration, presence.MaxRoomChange+1)},
	} {
		if _, err := w.store.ChangeRooms(w.ctx(), []presence.RoomChange{c}); err == nil {
			w.Errorf("%s: taken", why)
		}
	}
	ended, end := context.WithTimeout(context.Background(), time.Nanosecond)
	defer end()
	if _, err := w.store.Occupants(ended, []lime.Identity{theRoom}, 1); err == nil {
		w.Error("a call of a context that has ended succeeds")
	}
}
