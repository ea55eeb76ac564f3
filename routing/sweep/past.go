package sweep

import (
	"slices"
	"time"
)

// past is how far the log was dealt with, in order, step by step.
type past []milestone

// milestone is one step's end.
type milestone struct {
	next   uint64    // the first sequence that was not dealt with
	stored time.Time // nothing before that was stored later
}

// add notes a step's end. There are no more than some hundred for the time that the log
// is kept: those that are close together become one.
func (p *past) add(m milestone, keep time.Duration) {
	n := len(*p)
	if n > 0 && (*p)[n-1].next == m.next {
		return
	}
	if n > 1 && m.stored.Sub((*p)[n-2].stored) < keep/256 {
		(*p)[n-1] = m
		return
	}
	*p = append(*p, m)
}

// until takes what was stored before a moment out, and returns its end; 0 when there is
// nothing.
func (p *past) until(moment time.Time) (next uint64) {
	n := 0
	for n < len(*p) && !(*p)[n].stored.After(moment) {
		next = (*p)[n].next
		n++
	}
	*p = slices.Delete(*p, 0, n)
	return next
}
