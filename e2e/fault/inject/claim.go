package inject

import (
	"slices"
	"strings"
	"time"
)

// What faults share, and how many may have it at a time.
var shares = map[string]int{
	anyFault:  3,
	anyBroker: 1, // of three: a majority is left
	anyEdge:   2, // of three: clients have somewhere to go
}

const (
	anyFault  = "a fault"
	anyBroker = "a broker"
	anyEdge   = "an edge"
)

// claim is what one fault takes for a time: shares, and processes for itself alone.
type claim struct {
	from, until time.Duration
	what        []string
}

// claims are those of a plan.
type claims []claim

// take adds a claim if that is within the bounds.
func (all *claims) take(c claim) bool {
	for _, what := range c.what {
		had := 0
		for _, other := range *all {
			if other.from < c.until && c.from < other.until && slices.Contains(other.what, what) {
				had++
			}
		}
		if had >= max(1, shares[what]) {
			return false
		}
	}
	*all = append(*all, c)
	return true
}

// claim is what a fault takes.
func (p *planner) claim(t trait, f Fault) claim {
	c := claim{from: f.At, until: f.At + t.takes + f.For + t.rest, what: []string{anyFault}}
	c.what = append(c.what, f.Targets...)
	switch kind := string(f.Kind); {
	case strings.HasPrefix(kind, "broker"), strings.HasPrefix(kind, "leader"):
		c.what = append(c.what, anyBroker)
	case f.Kind == CutBroker:
		c.what = append(c.what, anyBroker, f.Cuts[0].From)
	case f.Kind == CutEdgeBrokers:
		c.what = append(c.what, anyEdge, f.Cuts[0].From)
	case strings.HasPrefix(kind, "edge"):
		c.what = append(c.what, anyEdge)
	case f.Kind.cuts():
		c.what = append(c.what, f.Cuts[0].From)
	}
	return c
}
