package edge

import (
	"slices"
	"time"
)

const (
	// keptPart is the least part of the moved by which the own surplus or the room of the
	// others has to shrink. A balancer that treats all edges alike sends some of them back
	// and others from elsewhere here, so that the surplus alone may stay while the room is
	// filled. One that sends everybody back changes neither.
	keptPart = 0.10

	// triedTime is how long those who were moved may take to come back. They are in no
	// edge's numbers meanwhile, so that until then another mean says nothing.
	triedTime = 5 * time.Minute
)

// attempt is what an edge's moving has brought, as long as the edges and their mean are
// the same. It outlives pauses, since a surplus seems smaller while clients are on their
// way back.
type attempt struct {
	edges   []string
	mean    float64
	surplus float64 // when it began
	room    float64 // likewise: what others had below the mean
	moved   int     // since then
	last    time.Time
	futile  bool // for good
}

// counts tells whether what begins now is this attempt still.
func (a *attempt) counts(now time.Time, edges []string, mean float64) bool {
	return slices.Equal(edges, a.edges) && (now.Sub(a.last) < triedTime || a.futile && steady(a.mean, mean))
}

// outgrown tells whether a surplus is another one than what this attempt is about. Less more may be those who are on
// their way to other edges, which lowers the mean.
func (a *attempt) outgrown(surplus, mean float64) bool { return surplus > a.surplus+steadyPart*mean }

// pace is how many sessions go in a look.
func (a *attempt) pace() int { return min(moveMost, max(1, int(a.surplus/movePart))) }

// judge tells whether to go on is futile, given what is left of surplus and room: as
// many have gone as there were too many, and are back.
func (a *attempt) judge(surplus, room float64, going int) bool {
	gone := float64(a.moved - going)
	kept := max(a.surplus-surplus-float64(going), a.room-room)
	if gone >= a.surplus && kept < keptPart*gone {
		a.futile = true
	}
	return a.futile
}
