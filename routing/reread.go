package routing

import "time"

const (
	// rereadPause is the least time between two readings of all views of a shard and of what its identities were
	// given, after something was dropped; it doubles up to rereadPauseMax while more is.
	rereadPause    = time.Second
	rereadPauseMax = time.Minute
)

// rereading is when all of a shard are to be read again, because any of them may have been told what was
// dropped. One identity that overflows does not have its neighbours read each second for as long as it does; who uses a
// delegation meanwhile has it looked at all the same. Guarded by the shard.
type rereading struct {
	owed  bool // something was dropped since they were read last
	next  time.Time
	pause time.Duration
}

// due tells whether it is time to read, which is not asked again for that loss then.
func (r *rereading) due(now time.Time) bool {
	if !r.owed || now.Before(r.next) {
		return false
	}
	if now.Sub(r.next) < r.pause {
		r.pause = min(2*r.pause, rereadPauseMax)
	} else { // nothing was dropped for as long
		r.pause = rereadPause
	}
	r.owed, r.next = false, now.Add(r.pause)
	return true
}
