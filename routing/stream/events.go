package stream

import (
	"context"
	"fmt"
	"time"

	"limegrove/routing/subject"
)

// EventsName names the stream of events that partition p has, as LogName does the log.
func (s *Streams) EventsName(p int) string { return s.nameOf(subject.EventStream(p)) }

// WalkEvents is WalkInbox from a sequence on, for the events of partition p.
func (s *Streams) WalkEvents(ctx context.Context, p int, from uint64, messages, bytes int) (Page, error) {
	return s.walkPage(ctx, eventOf(p), max(from, 1), time.Time{}, messages, bytes)
}

// EventsFrom is how many events partition p has from a sequence on, as one replica has it.
func (s *Streams) EventsFrom(ctx context.Context, p int, from uint64) (int, error) {
	return s.count(ctx, eventOf(p), subject.EventAll(p), max(from, 1))
}

// PurgeEvents removes the events of partition p up to and including a sequence.
func (s *Streams) PurgeEvents(ctx context.Context, p int, upTo uint64) error {
	_, err := s.purgeHead(ctx, eventOf(p), upTo)
	return err
}

// EventsEnd is LogEnd for the events of partition p.
func (s *Streams) EventsEnd(ctx context.Context, p int) (uint64, error) {
	return s.end(ctx, eventOf(p))
}

// ReadDeadLetters returns the first dead letters of an endpoint whose sequence is from or
// higher: at most so many (and never more than 1,000), and no further ones when they have so
// many bytes together. The next page begins at Through+1. The answer is that of one replica.
func (s *Streams) ReadDeadLetters(ctx context.Context, endpoint string, from uint64, messages, bytes int) (page Page, err error) {
	messages = min(max(messages, 1), maxPage)
	req := getRequest{Seq: max(from, 1), NextFor: subject.Dead(endpoint), Batch: messages, MaxBytes: bytes}
	a, err := s.direct(ctx, deadLetters, req, messages)
	if err != nil {
		return Page{}, fmt.Errorf("read the dead letters of %s: %w", endpoint, err)
	}
	page = Page{Messages: a.messages, More: a.pending > 0}
	if n := len(a.messages); n > 0 {
		page.Through = a.messages[n-1].Sequence
	}
	return page, nil
}

// GetDeadLetter returns one dead letter, from the leader. It matches ErrNotFound when there
// is none.
func (s *Streams) GetDeadLetter(ctx context.Context, sequence uint64) (Message, error) {
	m, err := s.leaderGet(ctx, deadLetters, getRequest{Seq: sequence})
	if err != nil {
		return Message{}, fmt.Errorf("dead letter %d: %w", sequence, err)
	}
	return m, nil
}

// DeleteDeadLetter is Delete for a dead letter.
func (s *Streams) DeleteDeadLetter(ctx context.Context, sequence uint64) error {
	return s.delete(ctx, deadLetters, sequence)
}

// PurgeDeadLetters removes all of an endpoint, and returns how many.
func (s *Streams) PurgeDeadLetters(ctx context.Context, endpoint string) (int, error) {
	n, err := s.purgeSubject(ctx, deadLetters.stream, subject.Dead(endpoint))
	if err != nil {
		return 0, fmt.Errorf("purge the dead letters of %s: %w", endpoint, err)
	}
	return int(n), nil
}

// CountDeadLetters asks the leader how many dead letters each endpoint has that has any.
func (s *Streams) CountDeadLetters(ctx context.Context) (map[string]int, error) {
	req := struct {
		Filter string `json:"subjects_filter"`
	}{subject.DeadAll}
	info, err := s.info(ctx, deadLetters, req)
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	all := make(map[string]int, len(info.State.Subjects))
	for of, n := range info.State.Subjects {
		if endpoint, ok := subject.DeadEndpoint(of); ok {
			all[endpoint] = int(n)
		}
	}
	return all, nil
}

// DeadLettersEnd is LogEnd for the dead letters.
func (s *Streams) DeadLettersEnd(ctx context.Context) (uint64, error) { return s.end(ctx, deadLetters) }
