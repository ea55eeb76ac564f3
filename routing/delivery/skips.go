package delivery

import "slices"

// maxSkips bounds how much is remembered of what was skipped. It is needed until the
// sweep has come by.
const maxSkips = 64

// skips are the positions that were passed over without being handed out, for other
// sessions of the address to have. They must not be taken for acknowledged by what
// comes behind them while they are in the log alone.
type skips struct {
	// all are in order. Each is one position, but the last, when there is no room for
	// more: it goes from the first that did not fit to the newest.
	all []run
	// safe is the position up to which nothing depends on the log.
	safe uint64
}

// add notes a position that is in the log.
func (s *skips) add(position uint64, most int) {
	n := len(s.all)
	switch {
	case position <= s.safe:
	case n < most:
		s.all = append(s.all, run{position, position})
	default:
		s.all[n-1].last = max(s.all[n-1].last, position)
	}
}

// inInbox notes that a position is in the inbox, and tells whether it was skipped.
func (s *skips) inInbox(position uint64) bool {
	i := slices.IndexFunc(s.all, func(u run) bool { return position >= u.first && position <= u.last })
	if i < 0 {
		return false
	}
	if s.all[i] != (run{position, position}) {
		return false // one of many, or between them: they wait for upTo
	}
	s.all = slices.Delete(s.all, i, i+1)
	return true
}

// upTo notes that nothing up to a position depends on the log.
func (s *skips) upTo(position uint64) {
	if position <= s.safe {
		return
	}
	s.safe = position
	for len(s.all) > 0 && s.all[0].first <= position {
		if s.all[0].last > position {
			s.all[0].first = position + 1
			return
		}
		s.all = s.all[1:]
	}
	if len(s.all) == 0 {
		s.all = nil
	}
}

// below is the highest position, at most floor, that is below all of them.
func (s *skips) below(floor uint64) uint64 {
	if len(s.all) > 0 {
		floor = min(floor, s.all[0].first-1)
	}
	return floor
}
