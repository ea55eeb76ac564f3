package stream

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// RoomsState is what the leader of a partition's rooms has: see [Streams.RoomsState].
type RoomsState struct {
	First, Last uint64 // sequences; First is one above Last when there is nothing
	Most        int    // messages of each room, or what this process takes for it, if that is less
}

// ReadRoom is ReadLog for what the rooms of partition p keep.
func (s *Streams) ReadRoom(ctx context.Context, p int, subject string, from uint64, messages, bytes int) (Page, error) {
	return s.read(ctx, roomOf(p), subject, from, messages, bytes)
}

// RoomsState asks the leader what the stream of the rooms of partition p has. What was
// acknowledged before has no sequence above Last. Nothing is missing of what one room was
// given behind a sequence as long as that is not below First-1, and there is less of it than
// Most: the oldest go first, of each room and of all. A stream that may keep more than before
// has rooms with less than that of which something is missing nevertheless; so the lower of
// two bounds counts, and this process's own is to rise last.
func (s *Streams) RoomsState(ctx context.Context, p int) (RoomsState, error) {
	info, err := s.info(ctx, roomOf(p), nil)
	if err != nil {
		return RoomsState{}, fmt.Errorf("state of %s: %w", roomOf(p).stream, err)
	}
	state := RoomsState{First: info.State.FirstSeq, Last: info.State.LastSeq, Most: s.cfg.RoomMessages}
	if most := int(info.Config.MaxMsgsPerSubject); most > 0 {
		state.Most = min(most, state.Most)
	}
	return state, nil
}

// asMade returns settings with those of another in them that are the operator's to change
// where they are of rooms: nobody counts on more being kept than is.
func asMade(want, have jetstream.StreamConfig) jetstream.StreamConfig {
	want.MaxAge, want.MaxMsgsPerSubject, want.MaxBytes = have.MaxAge, have.MaxMsgsPerSubject, have.MaxBytes
	return want
}
