package stream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A walk that goes on where one has ended reads by a consumer that acknowledges nothing
// and sends headers alone, which costs the broker a third of what direct gets with
// payload do. But to make one is a change of the cluster's metadata, and it stays for
// a while: a walk that begins somewhere else may be the only one there, and reads by
// direct gets.
const (
	fetchSize  = 1000
	fetchBytes = 4 << 20     // of direct gets
	cursorLife = time.Minute // of a consumer that nobody asks
)

// cursor is a place in a log. It belongs to one walk at a time.
type cursor struct {
	next      uint64 // the sequence that comes next, if it is there
	continued bool   // a walk has ended here
	consumer  jetstream.Consumer
	fetched   []Entry // and not passed yet
}

// takeCursor returns the cursor that was kept for the place, or a new one.
func (s *Streams) takeCursor(p int, from uint64) *cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cursors[p]; c != nil && c.next == from {
		delete(s.cursors, p)
		c.continued = true
		return c
	}
	return &cursor{next: from}
}

// keepCursor keeps it for the next walk, in place of another, which is given up.
func (s *Streams) keepCursor(ctx context.Context, p int, c *cursor) {
	s.mu.Lock()
	old := s.cursors[p]
	s.cursors[p] = c
	s.mu.Unlock()
	if old != nil && old.consumer != nil {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		// One that cannot be deleted ends by itself.
		_ = s.js.DeleteConsumer(ctx, logStream(p), old.consumer.CachedInfo().Name)
	}
}

// peek returns what comes next. It is not ok when nothing does, as far as whoever
// answers knows. It fetches no more than room at once.
func (s *Streams) peek(ctx context.Context, of side, c *cursor, room int) (e Entry, ok bool, err error) {
	if len(c.fetched) == 0 {
		fetch := s.fetchDirect
		if c.continued {
			fetch = s.fetchByConsumer
		}
		if err := fetch(ctx, of, c, min(room, fetchSize)); err != nil {
			return Entry{}, false, err
		}
	}
	if len(c.fetched) == 0 {
		return Entry{}, false, nil
	}
	return c.fetched[0], true, nil
}

// pass goes behind what peek has returned.
func (c *cursor) pass() {
	c.next = c.fetched[0].Sequence + 1
	c.fetched = c.fetched[1:]
}

func (s *Streams) fetchDirect(ctx context.Context, of side, c *cursor, size int) error {
	a, err := s.direct(ctx, of, getRequest{Seq: c.next, Batch: size, MaxBytes: fetchBytes}, size)
	for _, m := range a.messages {
		c.fetched = append(c.fetched, Entry{Subject: m.Subject, Sequence: m.Sequence, Stored: m.Stored, Header: m.Header})
	}
	return err
}

func (s *Streams) fetchByConsumer(ctx context.Context, of side, c *cursor, size int) (err error) {
	if c.consumer == nil {
		once, cancel := context.WithTimeout(ctx, tryTime) // the walk is tried again
		defer cancel()
		c.consumer, err = s.js.CreateConsumer(once, of.stream, jetstream.ConsumerConfig{
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       c.next,
			AckPolicy:         jetstream.AckNonePolicy,
			HeadersOnly:       true,
			MemoryStorage:     true,
			Replicas:          1,
			InactiveThreshold: cursorLife,
		})
		if err != nil {
			return err
		}
	}
	for try := 0; ; try++ {
		err := c.pull(size)
		if !errors.Is(err, nats.ErrNoResponders) || try == pulls {
			return err
		}
		// Servers learn one after the other that there is a new consumer.
		if err := wait(ctx, try); err != nil {
			return err
		}
	}
}

// pulls is how often a consumer that nobody knows is asked again: for about a second.
const pulls = 8

func (c *cursor) pull(size int) error {
	batch, err := c.consumer.FetchNoWait(size)
	if err != nil {
		return err
	}
	// It ends by itself when nothing comes for a second.
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		c.fetched = append(c.fetched, Entry{Subject: m.Subject(), Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Header: m.Headers()})
	}
	return batch.Error()
}
