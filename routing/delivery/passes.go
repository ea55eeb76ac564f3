package delivery

import (
	"cmp"
	"slices"
)

// MaxPassed bounds how many messages are passed and not known to be acknowledged. It is
// well above how many may wait for an identity by default; a session that has passed so
// many waits.
const MaxPassed = 1 << 15

// passes are the positions of messages that the rules give to other sessions of the
// address. What becomes of those sessions nobody knows: until a message is known to be
// acknowledged it may have to be taken over. Until the log is not needed for it, it holds
// the floor down.
type passes struct {
	all []passed // in order of positions
}

// passed is a position, with marks in the lowest bits; positions have 53.
type passed uint64

const (
	passedSafe  passed = 1 << iota // the log is not needed for it: see Follow.Safe
	passedTaken                    // it was taken over, and is in the window
	passedSeen                     // the review that is under way has seen it, or is not about it
	passedInbox                    // in the inbox

	// The age is in how many reviews it was found waiting.
	passedAge     passed = 15 * passedAgeUnit
	passedAgeUnit passed = 1 << 4

	passedMarks = 8
)

func (p passed) position() uint64 { return uint64(p >> passedMarks) }

func (p passed) age() int { return int(p & passedAge / passedAgeUnit) }

func (s *passes) find(position uint64) (i int, ok bool) {
	return slices.BinarySearchFunc(s.all, position, func(p passed, position uint64) int { return cmp.Compare(p.position(), position) })
}

// waits tells whether a message was passed, and is neither known to be acknowledged nor
// taken over.
func (s *passes) waits(position uint64) bool {
	i, ok := s.find(position)
	return ok && s.all[i]&passedTaken == 0
}

// add notes a position. A review that is under way was not begun for it, and may have gone
// past it: that it was not seen says nothing.
func (s *passes) add(position uint64) {
	if i, ok := s.find(position); !ok {
		s.all = slices.Insert(s.all, i, passed(position)<<passedMarks|passedSeen)
	}
}

func (s *passes) mark(position uint64, mark passed) {
	if i, ok := s.find(position); ok {
		s.all[i] |= mark
	}
}

func (s *passes) drop(position uint64) {
	if i, ok := s.find(position); ok {
		s.all = slices.Delete(s.all, i, i+1)
		s.shrink()
	}
}

func (s *passes) dropIf(gone func(passed) bool) {
	s.all = slices.DeleteFunc(s.all, gone)
	s.shrink()
}

func (s *passes) shrink() {
	if len(s.all) == 0 {
		s.all = nil
	}
}

// upTo notes that nothing up to a position depends on the log. A message may be in the
// inbox, unacknowledged, all the same: who it is for may have lost both of its copies.
func (s *passes) upTo(floor uint64) {
	for i := range s.all {
		if s.all[i].position() > floor {
			break
		}
		s.all[i] |= passedSafe
	}
}

// below is the highest position, at most floor, that is below all that the log is needed
// for.
func (s *passes) below(floor uint64) uint64 {
	for _, p := range s.all {
		if p.position() > floor {
			break
		}
		if p&passedSafe == 0 || p&passedTaken != 0 {
			return p.position() - 1
		}
	}
	return floor
}

// Pass notes that a message is for another session of the address, by the rules.
func (f *Follow) Pass(m Message) {
	f.Hand(m)
	f.shares().passes.add(m.Position)
}

// Passed is how many messages were passed and are not known to be acknowledged.
func (f *Follow) Passed() int {
	if s := f.shared(); s != nil {
		return len(s.passes.all)
	}
	return 0
}

// Age is in how many reviews that age, 15 at most, a message that was passed was found in
// the inbox.
func (f *Follow) Age(position uint64) int {
	if s := f.shared(); s != nil {
		if i, ok := s.passes.find(position); ok {
			return s.passes.all[i].age()
		}
	}
	return 0
}

// HasPassed tells whether a message is one of them, and was not taken over.
func (f *Follow) HasPassed(position uint64) bool {
	s := f.shared()
	return s != nil && s.passes.waits(position)
}

// Release notes that other sessions have acknowledged messages. It sorts their positions.
func (f *Follow) Release(positions []uint64) {
	s := f.shared()
	switch {
	case s == nil:
	case len(positions) == 1:
		s.passes.drop(positions[0])
	default:
		slices.Sort(positions)
		s.passes.dropIf(func(p passed) bool {
			_, ok := slices.BinarySearch(positions, p.position())
			return ok
		})
	}
}
