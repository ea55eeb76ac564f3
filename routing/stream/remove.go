package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// Delete removes a message from the inbox of partition p, without overwriting its
// bytes on disk. One that is gone already is no error.
func (s *Streams) Delete(ctx context.Context, p int, seq uint64) error {
	return s.delete(ctx, inboxOf(p), seq)
}

// DeleteLog is Delete for the log of partition p.
func (s *Streams) DeleteLog(ctx context.Context, p int, seq uint64) error {
	return s.delete(ctx, logOf(p), seq)
}

// DeleteGroup is Delete for the group messages of partition p.
func (s *Streams) DeleteGroup(ctx context.Context, p int, seq uint64) error {
	return s.delete(ctx, groupOf(p), seq)
}

func (s *Streams) delete(ctx context.Context, of side, seq uint64) (err error) {
	defer func() { s.metrics.deletes.WithLabelValues(string(resultOf(err))).Inc() }()
	const (
		sequenceNotFound = 10043
		deleteFailed     = 10057 // which on one server means the same
	)
	req := struct {
		Seq     uint64 `json:"seq"`
		NoErase bool   `json:"no_erase"`
	}{seq, true}
	var resp struct {
		Success bool `json:"success"`
	}
	err = s.ask(ctx, "STREAM.MSG.DELETE."+of.stream, req, &resp)
	if err == nil || code(err) == sequenceNotFound {
		return nil
	}
	if code(err) == deleteFailed {
		if _, gone := s.leaderGet(ctx, of, getRequest{Seq: seq}); errors.Is(gone, ErrNotFound) {
			return nil
		}
	}
	return fmt.Errorf("delete message %d of %s: %w", seq, of.stream, err)
}

// PurgeLog removes everything up to and including a sequence from the log of
// partition p. Steps of ten thousand messages or more cost the broker least.
func (s *Streams) PurgeLog(ctx context.Context, p int, upTo uint64) error {
	of := logOf(p)
	purged, err := s.purgeHead(ctx, of, upTo)
	if err != nil {
		return err
	}
	s.metrics.purged.Add(float64(purged))
	if s.cfg.LogBytes > 0 && purged > 0 {
		// Once the log is full again there is no room for the mark. Now there is; and where
		// it fails all the same, whoever finds it missing tries, too.
		_ = s.setMark(ctx, of)
	}
	return nil
}

// purgeHead removes everything up to and including a sequence.
func (s *Streams) purgeHead(ctx context.Context, of side, upTo uint64) (purged uint64, err error) {
	n, err := s.purge(ctx, of.stream, struct {
		Below uint64 `json:"seq"`
	}{upTo + 1})
	if err != nil {
		return 0, fmt.Errorf("purge %s up to %d: %w", of.stream, upTo, err)
	}
	return n, nil
}

// purgeSubject removes everything that a stream has under a subject.
func (s *Streams) purgeSubject(ctx context.Context, stream, subject string) (purged uint64, err error) {
	return s.purge(ctx, stream, struct {
		Filter string `json:"filter"`
	}{subject})
}

func (s *Streams) purge(ctx context.Context, stream string, what any) (purged uint64, err error) {
	var resp struct {
		Purged uint64 `json:"purged"`
	}
	err = s.ask(ctx, "STREAM.PURGE."+stream, what, &resp)
	return resp.Purged, err
}

// Forget removes everything that is stored for an identity, under whichever address:
// its account is no more, and whoever takes the name next is somebody else.
func (s *Streams) Forget(ctx context.Context, identity lime.Identity) error {
	key, err := subject.MakeKey(identity)
	if err != nil {
		return fmt.Errorf("forget %s: %w", identity, err)
	}
	p := key.Partition(s.partitions)
	for stream, filter := range map[string]string{logStream(p): key.Log(p, "*"), inboxStream(p): key.Inbox(p, "*")} {
		purged, err := s.purgeSubject(ctx, stream, filter)
		if err != nil {
			return fmt.Errorf("forget %s: %w", identity, err)
		}
		s.metrics.purged.Add(float64(purged))
	}
	return nil
}

// PurgeInbox removes what waits for an identity in the inbox of its partition, under whichever
// address, up to and including a sequence, or all of it with 0. It returns how many messages
// that were. What is in the log still waits there, and comes when the sweep has come by.
func (s *Streams) PurgeInbox(ctx context.Context, identity lime.Identity, upTo uint64) (n int, err error) {
	key, err := subject.MakeKey(identity)
	if err != nil {
		return 0, fmt.Errorf("purge the inbox of %s: %w", identity, err)
	}
	p := key.Partition(s.partitions)
	req := struct {
		Filter string `json:"filter"`
		Below  uint64 `json:"seq,omitempty"`
	}{Filter: key.Inbox(p, "*")}
	if upTo > 0 {
		req.Below = upTo + 1
	}
	var resp struct {
		Purged uint64 `json:"purged"`
	}
	if err := s.ask(ctx, "STREAM.PURGE."+inboxStream(p), req, &resp); err != nil {
		return 0, fmt.Errorf("purge the inbox of %s: %w", identity, err)
	}
	s.metrics.purged.Add(float64(resp.Purged))
	return int(resp.Purged), nil
}

// Waiting is how many messages of the subject, which may have a wildcard, wait in the
// inbox of partition p, as one of its replicas has it: less sure than CountInbox, and a
// fraction of the price.
func (s *Streams) Waiting(ctx context.Context, p int, subject string) (n int, err error) {
	return s.count(ctx, inboxOf(p), subject, 1)
}

// Logged is Waiting for what the log of partition p has from a sequence on.
func (s *Streams) Logged(ctx context.Context, p int, subject string, from uint64) (n int, err error) {
	return s.count(ctx, logOf(p), subject, max(from, 1))
}

func (s *Streams) count(ctx context.Context, of side, subject string, from uint64) (n int, err error) {
	defer func(start time.Time) { s.metrics.read(of.what()+"_count", start, err) }(time.Now())
	a, err := s.direct(ctx, of, getRequest{Seq: from, NextFor: subject, Batch: 1, MaxBytes: 1}, 1)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", subject, err)
	}
	return len(a.messages) + a.pending, nil
}

// CountInbox asks the leader how many messages of the subject the inbox of partition
// p has.
func (s *Streams) CountInbox(ctx context.Context, p int, subject string) (int, error) {
	req := struct {
		Filter string `json:"subjects_filter"`
	}{subject}
	info, err := s.info(ctx, inboxOf(p), req)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", subject, err)
	}
	return int(info.State.Subjects[subject]), nil
}
