package stream

import (
	"strconv"
	"strings"
	"sync"

	"limegrove/routing/subject"
)

// suspects are the partitions of which somebody thinks that a stream may be gone, each
// once, until Keep looks at them.
type suspects struct {
	wake chan struct{} // holds one

	mu  sync.Mutex
	all map[int]struct{}
}

func newSuspects() suspects {
	return suspects{wake: make(chan struct{}, 1), all: map[int]struct{}{}}
}

// Suspect says that the log or the inbox of partition p may be gone: nobody answered
// for it. [Streams.Keep] looks soon. It does not block, and may be called for each
// message that is not answered.
func (s *Streams) Suspect(p int) {
	if p < 0 || p >= s.partitions {
		return
	}
	s.suspects.mu.Lock()
	s.suspects.all[p] = struct{}{}
	s.suspects.mu.Unlock()
	select {
	case s.suspects.wake <- struct{}{}:
	default:
	}
}

// suspectAll suspects every partition.
func (s *Streams) suspectAll() {
	for p := range s.partitions {
		s.Suspect(p)
	}
}

// suspectStream suspects the partition of a stream, if it is one of ours.
func (s *Streams) suspectStream(name string) {
	if p, ok := partitionOf(name); ok {
		s.Suspect(p)
	}
}

// partitionOf is the partition that a stream is of, whichever of its streams.
func partitionOf(name string) (p int, ok bool) {
	for _, of := range []func(string) (int, bool){subject.PartitionOf, subject.GroupPartitionOf, subject.EventPartitionOf, subject.RoomPartitionOf} {
		if p, ok = of(name); ok {
			return p, true
		}
	}
	return deadLetters.p, name == deadLetters.stream
}

// suspectSubject suspects the partition that messages of a subject are stored in.
func (s *Streams) suspectSubject(stored string) {
	_, rest, _ := strings.Cut(stored, ".")
	number, _, _ := strings.Cut(rest, ".")
	if p, err := strconv.Atoi(number); err == nil {
		s.Suspect(p)
	}
}

// take has each be looked at once at least.
func (s *suspects) take(into map[int]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.all {
		into[p] = max(into[p], 1)
	}
	clear(s.all)
}
