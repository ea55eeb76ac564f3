package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/event"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// Letter is a dead letter: an event that an endpoint did not take.
type Letter struct {
	Sequence uint64    // names it
	At       time.Time // when it was given up
	Reason   string    // why
	Event    []byte    // its JSON
}

// ErrNoLetter says that there is no such dead letter.
var ErrNoLetter = errors.New("there is no such dead letter")

// Bury adds events to the dead letters of an endpoint. An error passes; then all are to be
// added again, and JetStream knows those that are there already.
func (s *Store) Bury(ctx context.Context, endpoint, reason string, all []Stored) error {
	list := make([]*nats.Msg, len(all))
	for i, e := range all {
		list[i] = &nats.Msg{Subject: subject.Dead(endpoint), Data: e.Event, Header: nats.Header{
			nats.MsgIdHdr: []string{endpoint + ":" + strconv.FormatUint(e.Sequence, 10) + ":" + e.ID}, reasonHeader: []string{reason},
			typeHeader: []string{string(e.Type)},
		}}
	}
	for _, err := range s.StoreInOrder(ctx, list) {
		if err != nil && passes(err) {
			return fmt.Errorf("add to the dead letters of %s: %w", endpoint, err)
		}
	}
	return nil
}

// Letters returns the dead letters of an endpoint from a sequence on, at most so many (and
// never more than 1,000). next is where the next page begins, 0 when there is none.
func (s *Store) Letters(ctx context.Context, endpoint string, from uint64, most int) (all []Letter, next uint64, err error) {
	page, err := s.ReadDeadLetters(ctx, endpoint, from, most, 4<<20)
	if err != nil {
		return nil, 0, err
	}
	for _, m := range page.Messages {
		all = append(all, Letter{Sequence: m.Sequence, At: m.Stored, Reason: m.Header.Get(reasonHeader), Event: m.Data})
	}
	if page.More {
		next = page.Through + 1
	}
	return all, next, nil
}

// Replay has one dead letter of an endpoint told to it again, behind what it is told anyway,
// and takes it out of the list. An error that matches ErrNoLetter says that it is not there.
func (s *Store) Replay(ctx context.Context, endpoint string, sequence uint64) error {
	m, err := s.letter(ctx, endpoint, sequence)
	if err != nil {
		return err
	}
	return s.replay(ctx, endpoint, []stream.Message{m})
}

// ReplayAll is Replay for all dead letters of an endpoint that are there now, in their order.
// It returns how many it was, also beside an error.
func (s *Store) ReplayAll(ctx context.Context, endpoint string) (n int, err error) {
	end, err := s.DeadLettersEnd(ctx)
	if err != nil {
		return 0, err
	}
	for from := uint64(1); from <= end; {
		page, err := s.ReadDeadLetters(ctx, endpoint, from, 256, 4<<20)
		if err != nil {
			return n, err
		}
		some := page.Messages
		for len(some) > 0 && some[len(some)-1].Sequence > end { // given up again meanwhile
			some = some[:len(some)-1]
		}
		if len(some) == 0 {
			break
		}
		if err := s.replay(ctx, endpoint, some); err != nil {
			return n, err
		}
		n += len(some)
		from = page.Through + 1
	}
	return n, nil
}

// replay stores the events again, for that endpoint alone, and removes the letters. Should it
// end in between, it may be done again: the stream knows the events by their letters.
func (s *Store) replay(ctx context.Context, endpoint string, letters []stream.Message) error {
	list := make([]*nats.Msg, len(letters))
	for i, l := range letters {
		var err error
		if list[i], err = s.again(endpoint, letters[0].Sequence, l); err != nil {
			return fmt.Errorf("replay letter %d: %w", l.Sequence, err)
		}
	}
	if err := errors.Join(s.StoreInOrder(ctx, list)...); err != nil {
		return fmt.Errorf("replay letters of %s: %w", endpoint, err)
	}
	for _, l := range letters {
		if err := s.DeleteDeadLetter(ctx, l.Sequence); err != nil {
			return fmt.Errorf("replay letters of %s: %w", endpoint, err)
		}
	}
	return nil
}

// again is a letter's event for the stream.
func (s *Store) again(endpoint string, lot uint64, letter stream.Message) (*nats.Msg, error) {
	var e event.Event
	if err := e.UnmarshalJSON(letter.Data); err != nil {
		return nil, err
	}
	key, err := subject.MakeKey(e.Whom)
	if err != nil {
		return nil, err
	}
	return &nats.Msg{Subject: key.EventAgain(key.Partition(s.Partitions()), lot), Data: letter.Data, Header: nats.Header{
		nats.MsgIdHdr: []string{"again:" + endpoint + ":" + strconv.FormatUint(letter.Sequence, 10)},
		typeHeader:    []string{string(e.Type)}, endpointHeader: []string{endpoint},
	}}, nil
}

// Drop removes one dead letter of an endpoint, as Replay does, and tells it to nobody.
func (s *Store) Drop(ctx context.Context, endpoint string, sequence uint64) error {
	if _, err := s.letter(ctx, endpoint, sequence); err != nil {
		return err
	}
	return s.DeleteDeadLetter(ctx, sequence)
}

// DropAll removes all dead letters of an endpoint, and returns how many.
func (s *Store) DropAll(ctx context.Context, endpoint string) (int, error) {
	return s.PurgeDeadLetters(ctx, endpoint)
}

func (s *Store) letter(ctx context.Context, endpoint string, sequence uint64) (stream.Message, error) {
	m, err := s.GetDeadLetter(ctx, sequence)
	if errors.Is(err, stream.ErrNotFound) || err == nil && m.Subject != subject.Dead(endpoint) {
		return m, fmt.Errorf("%s %d: %w", endpoint, sequence, ErrNoLetter)
	}
	return m, err
}
