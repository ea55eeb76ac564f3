package delivery

import (
	"testing"

	"pgregory.net/rapid"
)

// The model is everything around one address: the log and the inbox of its partition,
// the floor in Redis, two routers that sweep, and up to three sessions on as many
// edges. Each step of each of them is an action, so that rapid finds the
// interleavings; messages of other addresses only use up positions.

func TestNothingIsLostInAnyInterleaving(t *testing.T) { testInterleavings(t, false) }

// In a ruled world each message is for one of the sessions, by the view that each has.
func TestNothingIsLostBetweenSessionsThatShare(t *testing.T) { testInterleavings(t, true) }

func testInterleavings(t *testing.T, ruled bool) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.ruled = ruled
		t.Repeat(w.actions(t))
		w.startAll()
		w.settle(t)
		w.wantHad(t)
		w.wantNobodyHeld(t)
		w.wantNothingLeft(t)
	})
}
