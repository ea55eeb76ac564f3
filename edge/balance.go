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
// surplus may be others' clients on their way back; and it does not go faster than they
// come back, since each session costs a login elsewhere.
const (
	surplusPart  = 0.20 // above the mean, to begin
	surplusLeast = 100  // likewise, in sessions
	surplusLeft  = 0.05 // above the mean, to end

	// Of an edge that was asked, it is as little as its numbers are good for: others tell theirs when
	// they have changed by 1/64, and somebody comes or goes at any time.
	askedLeft  = 0.02 // above the mean, to begin and to end
	askedLeast = 2    // likewise, in sessions

	steadyPart = 0.10 // by which the mean may change and is the same still
	steadyTime = 10 * time.Second

	// movePart is which part of the surplus that there was goes in a look, of which there
	// is one a second. A balancer that treats all edges alike sends some of them back: half
	// when as many edges have joined as there were, so that it takes twice as many looks.
	movePart = 16
	moveMost = 500              // sessions in a look, however many are too many
	moveTime = 30 * time.Second // that each has for what it has not acknowledged

	// awayPart of all sessions may be on their way. When logins are slow, as with
	// passwords, those who wait for theirs are thereby no more than that.
	awayPart = 0.06
	awayTime = 30 * time.Second // after which, when none comes back, the others do not either
)

// balance is what an edge remembers from one look at all edges to the next.
type balance struct {
	edges  []string  // the others, in order
	mean   float64   // around which it is
	since  time.Time // then
	moving bool
	asked  bool    // by somebody, so that it moves little as well
	stuck  bool    // it would move, but that was futile
	back   float64 // the highest mean while those who are away are waited for
	tried  attempt
}

// look returns what to remember, and how many sessions to move now. Of the edge's own
// ones, going are already told to go.
func (b balance) look(now time.Time, own, going int, others []Load) (next balance, move int) {
	edges, mean, room := weigh(own, others)
	again := balance{edges: edges, mean: mean, since: now, tried: b.tried}
	if !slices.Equal(edges, b.edges) || !steady(b.mean, mean) && !(b.moving && mean < b.mean) {
		return again, 0
	}
	surplus := float64(own-going) - mean
	begins := !b.moving && surplus > surplusPart*mean && surplus > surplusLeast && now.Sub(b.since) >= steadyTime
	if begins && !b.tried.counts(now, edges, mean) || (begins || b.moving) && b.tried.outgrown(surplus, mean) {
		b.tried = attempt{edges: edges, mean: mean, surplus: surplus, room: room, last: now}
	}
	b.asked = b.asked && b.moving
	b.moving = begins || b.moving && surplus > b.enough(mean)
	b.stuck = b.moving && b.tried.judge(surplus, room, going)
	b.moving = b.moving && !b.stuck
	if !b.moving {
		return b, 0
	}
	if begins {
		b.mean, b.back, b.tried.last = mean, 0, now // all who are to come are there
	}
	if mean < (1-awayPart)*b.mean {
		if b.awaits(now, mean) {
			return b, 0
		}
		return again, 0
	}
	move = min(b.tried.pace(), int(surplus))
	b.tried.moved += move
	b.tried.last, b.back = now, 0
	return b, move
}

// awaits tells whether some of those who are away are to be waited for: others have come back not long ago.
func (b *balance) awaits(now time.Time, mean float64) bool {
	if mean > b.back {
		b.back, b.tried.last = mean, now
	}
	return now.Sub(b.tried.last) < awayTime
}

// enough is how many sessions above the mean an edge that moves some keeps.
func (b *balance) enough(mean float64) float64 {
	if b.asked {
		return max(askedLeft*mean, askedLeast)
	}
	return surplusLeft * mean
}

// even returns what to remember when somebody asks that the edges be made even now: there is no waiting for the numbers
// to settle, a surplus is too small only when it may be none, and what was futile is forgotten.
func (b balance) even(now time.Time, own, going int, others []Load) balance {
	edges, mean, room := weigh(own, others)
	next := balance{edges: edges, mean: mean, since: now, asked: true}
	if surplus := float64(own-going) - mean; surplus > next.enough(mean) {
		next.moving = true
		next.tried = attempt{edges: edges, mean: mean, surplus: surplus, room: room, last: now}
	}
	return next
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
