package delivery

// maxRuns bounds how many runs are remembered. A run ends when the log was purged
// between two messages, that is after some seconds without one, so they are needed
// for about as long as the sweep takes.
const maxRuns = 8

// run is the positions from first to last: every message of the address between
// them was handed out.
type run struct{ first, last uint64 }

// runs are the positions that were handed out, in order.
type runs struct {
	all []run
	// forgotten is the end of the last run that was dropped for want of room: of what
	// is not above it, and in no run, nobody knows.
	forgotten uint64
}

// has tells whether a position was handed out.
func (r *runs) has(position uint64) bool {
	for i := len(r.all) - 1; i >= 0; i-- {
		if u := r.all[i]; position >= u.first {
			return position <= u.last
		}
	}
	return false
}

// unknown tells whether a position may have been handed out and forgotten.
func (r *runs) unknown(position uint64) bool { return position <= r.forgotten }

// last is the highest position that was handed out.
func (r *runs) last() uint64 {
	if len(r.all) == 0 {
		return r.forgotten
	}
	return r.all[len(r.all)-1].last
}

// add notes a position that was handed out. previous is the one before it on the
// address, 0 when that is not known.
func (r *runs) add(position, previous uint64) {
	i := len(r.all)
	for i > 0 && r.all[i-1].first > position {
		i--
	}
	if i > 0 {
		before := &r.all[i-1]
		if position <= before.last {
			return
		}
		if previous != 0 && previous >= before.first && previous <= before.last {
			before.last = position
			return
		}
	}
	r.all = append(r.all, run{})
	copy(r.all[i+1:], r.all[i:])
	r.all[i] = run{position, position}
	if len(r.all) > maxRuns {
		r.forgotten = max(r.forgotten, r.all[0].last)
		r.all = append(r.all[:0], r.all[1:]...)
	}
}
