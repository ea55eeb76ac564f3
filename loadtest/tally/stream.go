package tally

// Stream is what has come of messages that were numbered from 0 on in the order in which they
// were sent. The zero Stream has got nothing yet.
type Stream struct {
	next uint32 // all before it have come, or are missing
}

// Missing are the numbers of many streams that were passed over and have not come since. It is
// empty while all goes well.
type Missing map[missing]struct{}

type missing struct{ stream, number uint32 }

// Arrival is what a message's coming means.
type Arrival uint8

// The arrivals.
const (
	InOrder   Arrival = iota // none that came before has a higher number
	Reordered                // it comes for the first time, but behind a later one
	Twice                    // it has come before
	Unknown                  // it was never sent
)

// Take notes that message number of a stream has come, of which so many were sent. id tells the
// stream apart from the others of the same Missing.
func (s *Stream) Take(m Missing, id, number, sent uint32) Arrival {
	switch {
	case number >= sent:
		return Unknown
	case number >= s.next:
		for k := s.next; k < number; k++ {
			m[missing{id, k}] = struct{}{}
		}
		s.next = number + 1
		return InOrder
	}
	late := missing{id, number}
	if _, ok := m[late]; !ok {
		return Twice
	}
	delete(m, late)
	return Reordered
}

// Behind is how many of the messages sent are still to come after the newest that has: those
// that were passed over are in Missing.
func (s *Stream) Behind(sent uint32) uint32 { return sent - s.next }
