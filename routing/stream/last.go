package stream

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// The broker resolves at most 1,024 subjects in one request, which it takes in one
// message.
const (
	maxSubjects     = 1000
	maxSubjectBytes = 256 << 10
)

// lastBytes bounds one answer of last messages, which come with their payloads.
const lastBytes = 4 << 20

// LastLog tells which of the subjects have messages in the log of partition p, and
// the last sequence of each. It is what a replica knew that had the stream through
// that sequence, which may be lower than what another has (see LogEnd). It asks once
// for a thousand subjects.
func (s *Streams) LastLog(ctx context.Context, p int, subjects []string) (last map[string]uint64, through uint64, err error) {
	return s.last(ctx, logOf(p), subjects)
}

// LastInbox is LastLog for the inbox.
func (s *Streams) LastInbox(ctx context.Context, p int, subjects []string) (last map[string]uint64, through uint64, err error) {
	return s.last(ctx, inboxOf(p), subjects)
}

func (s *Streams) last(ctx context.Context, of side, subjects []string) (last map[string]uint64, through uint64, err error) {
	defer func(start time.Time) { s.metrics.read(of.what()+"_last", start, err) }(time.Now())
	last = map[string]uint64{}
	for first := true; first || len(subjects) > 0; first = false {
		n, bytes := 0, 0
		for n < len(subjects) && n < maxSubjects && bytes < maxSubjectBytes {
			bytes += len(subjects[n])
			n++
		}
		t, err := s.lastOf(ctx, of, subjects[:n], last)
		if err != nil {
			return nil, 0, fmt.Errorf("last messages of %d subjects in %s: %w", n, of.stream, err)
		}
		if first || t < through {
			through = t
		}
		subjects = subjects[n:]
	}
	return last, through, nil
}

// lastOf adds to last what one request can ask for, and goes on where an answer was
// full. Each answer may come of another replica: the least of them is what is known.
func (s *Streams) lastOf(ctx context.Context, of side, subjects []string, last map[string]uint64) (through uint64, err error) {
	ask := slices.Concat(subjects, []string{of.mark()})
	from := uint64(0)
	for try := 0; ; {
		a, err := s.direct(ctx, of, getRequest{Seq: from, MultiLast: ask, MaxBytes: lastBytes}, len(ask))
		if err != nil {
			return 0, err
		}
		if !a.found {
			if err := s.setMark(ctx, of); err != nil {
				return 0, err
			}
			if err := wait(ctx, try); err != nil {
				return 0, unavailable(err)
			}
			try++
			continue
		}
		for _, m := range a.messages {
			if m.Subject != of.mark() {
				last[m.Subject] = max(last[m.Subject], m.Sequence)
			}
			from = m.Sequence + 1
		}
		if through == 0 || a.upTo < through {
			through = a.upTo
		}
		if a.pending == 0 || len(a.messages) == 0 {
			return through, nil
		}
	}
}
