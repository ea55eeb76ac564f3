package edge

import (
	"sync/atomic"
	"time"

	"limegrove/edge/poll"
)

// An edge whose loops take long to come to anything serves nobody well, and more
// clients make it worse. How long they take is measured by something to do that is
// nothing.

// overload tells, from one look at the lag to the next, whether new clients are
// refused. It needs more to change its mind than to keep it.
type overload struct {
	on    bool
	looks int // in a row that speak for the other
}

const (
	lagTooLong   = time.Second            // begins an overload
	lagGood      = 250 * time.Millisecond // ends it
	looksToBegin = 3
	looksToEnd   = 5
)

// look takes one measurement.
func (o *overload) look(lag time.Duration) {
	against, enough := lag > lagTooLong, looksToBegin
	if o.on {
		against, enough = lag < lagGood, looksToEnd
	}
	if !against {
		o.looks = 0
	} else if o.looks++; o.looks == enough {
		*o = overload{on: !o.on}
	}
}

// errand is something to do for a loop: nothing.
type errand struct {
	asked time.Time
	took  atomic.Int64 // nanoseconds; negative while it waits
	do    func(*poll.Turn)
}

// newErrands makes one for each loop, so that there is never more than one that waits.
func newErrands(loops int) []errand {
	all := make([]errand, loops)
	for i := range all {
		e := &all[i]
		e.do = func(*poll.Turn) { e.took.Store(int64(time.Since(e.asked))) }
	}
	return all
}

// lag is how long the slowest loop took for its last errand, or takes already. It
// sends those on another one that have come back.
func (e *Edge) lag() (worst time.Duration) {
	now := time.Now()
	for i := range e.errands {
		one := &e.errands[i]
		took := time.Duration(one.took.Load())
		if took < 0 {
			took = now.Sub(one.asked)
		} else {
			one.asked = now
			one.took.Store(-1)
			if e.loops.Post(i, one.do) != nil { // the loop has ended
				one.took.Store(0)
			}
		}
		worst = max(worst, took)
	}
	return worst
}

// watchLag looks whether the edge is overloaded.
func (e *Edge) watchLag() {
	lag := e.lag()
	e.metrics.lag.Set(lag.Seconds())
	before := e.load.on
	e.load.look(lag)
	if e.load.on == before {
		return
	}
	e.overloaded.Store(e.load.on)
	if e.load.on {
		e.metrics.overloaded.Set(1)
		e.log.WithField("lag", lag).Warn("overloaded: new clients are refused")
	} else {
		e.metrics.overloaded.Set(0)
		e.log.Info("no longer overloaded")
	}
}
