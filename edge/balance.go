package edge

import (
	"math"
	"slices"
	"time"
)

// Load is what another edge carries.
type Load struct {
	Edge     string // names one run of it
	Sessions int    // established ones, as of a few seconds ago
}

// Peers tells of the other edges.
type Peers interface {
	// Loads are those of all others that live and take new sessions, in any order.
	// It is called once a second and does not block.
	Loads() []Load
}

// When an edge finishes sessions so that they come back elsewhere. It begins when it
// has clearly more than the mean and goes on until it is near it, so that it does not
// begin again soon; it waits until the numbers have settled, since what looks like a
// surplus may be others' clients on their way back; and it is slow, since each session
// costs a login elsewhere.
const (
	surplusPart  = 0.20 // above the mean, to begin
	surplusLeast = 100  // likewise, in sessions
	surplusLeft  = 0.05 // above the mean, to end
	steadyPart   = 0.10 // by which the mean may change and is the same still
	steadyTime   = 30 * time.Second
	moveMost     = 50               // sessions in a look, of which there is one a second
	moveMostPart = 100              // likewise: one in so many of its own
	moveTime     = 30 * time.Second // that each has for what it has not acknowledged
)

// balance is what an edge remembers from one look at all edges to the next.
type balance struct {
	edges  []string  // the others, in order
	mean   float64   // around which it is
	since  time.Time // then
	moving bool
	stuck  bool // it would move, but that was futile
	tried  attempt
}

// look returns what to remember, and how many sessions to move now. Of the edge's own
// ones, going are already told to go.
func (b balance) look(now time.Time, own, going int, others []Load) (next balance, move int) {
	edges, mean, room := weigh(own, others)
	if !slices.Equal(edges, b.edges) || !steady(b.mean, mean) {
		return balance{edges: edges, mean: mean, since: now, tried: b.tried}, 0
	}
	staying := own - going
	surplus := float64(staying) - mean
	if b.moving {
		b.moving = surplus > surplusLeft*mean
	} else {
		b.moving = surplus > surplusPart*mean && surplus > surplusLeast && now.Sub(b.since) >= steadyTime
		if b.moving && !b.tried.counts(now, edges, mean) {
			b.tried = attempt{edges: edges, mean: mean, surplus: surplus, room: room}
		}
	}
	b.stuck = b.moving && b.tried.judge(surplus, room, going)
	b.moving = b.moving && !b.stuck
	if !b.moving {
		return b, 0
	}
	move = min(moveMost, own/moveMostPart, int(surplus))
	b.tried.moved += move
	b.tried.last = now
	return b, move
}

// weigh returns the others in order, the mean of all edges, and how many sessions the
// others have below it.
func weigh(own int, others []Load) (edges []string, mean, room float64) {
	edges = make([]string, 0, len(others))
	total := own
	for _, o := range others {
		edges = append(edges, o.Edge)
		total += o.Sessions
	}
	slices.Sort(edges)
	mean = float64(total) / float64(1+len(others))
	for _, o := range others {
		room += max(0, mean-float64(o.Sessions))
	}
	return edges, mean, room
}

// steady tells whether a mean is the same still.
func steady(was, is float64) bool { return math.Abs(is-was) <= steadyPart*was }
