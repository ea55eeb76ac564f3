package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// known is what this process has seen of a stream last.
type known struct {
	name string // made of when it was made; another stream has another
	last uint64 // its last sequence

	gone time.Time // since when it is missing; zero while it is there
}

// goneFor is for how long a stream is missing before it is made anew. A server forgets the
// name of a stream that is deleted first, and moves its files away some time later: it
// would take those of a new stream of that name with them.
const goneFor = 2 * time.Second

// errGone passes: it is looked at again.
var errGone = fmt.Errorf("%w: it is gone, and will be made anew", ErrUnavailable)

// look makes what is missing of the streams of partition p, and returns those that
// are others than this process has known. It tries for as long as ctx lets it.
func (s *Streams) look(ctx context.Context, p int) (remade []side, err error) {
	for _, of := range s.sides(p) {
		want := s.cfg.settings(of)
		info, err := s.ensure(ctx, want)
		if err != nil {
			return remade, fmt.Errorf("stream %s: %w", of.stream, err)
		}
		if s.see(of, info) {
			remade = append(remade, of)
		}
		if of.room {
			want = asMade(want, info.Config)
		}
		if why := mismatch(info.Config, want); why != "" {
			return remade, fmt.Errorf("stream %s %w: %s", of.stream, ErrSettings, why)
		}
	}
	return remade, nil
}

// see notes what a stream is, and tells whether it is another than before.
func (s *Streams) see(of side, info *jetstream.StreamInfo) (remade bool) {
	now := known{name: strconv.FormatInt(info.Created.UnixNano(), 36), last: info.State.LastSeq}
	s.mu.Lock()
	before, ok := s.known[of.stream]
	s.known[of.stream] = now
	s.mu.Unlock()
	if !ok || before.name == now.name {
		return false
	}
	s.metrics.remade.WithLabelValues(of.what()).Inc()
	log := s.cfg.Logger.WithField("stream", of.stream)
	if info.State.FirstSeq <= before.last {
		log.Error("the stream was made anew by somebody else, and gives sequences again: messages are lost until all routers and edges are started again")
	} else {
		log.Warn("the stream was made anew; what was stored in it is gone")
	}
	return true
}

// miss notes that a stream is missing. It is ready to be made when this process has never
// known it, or has missed it for long enough; last is the last sequence that was seen.
func (s *Streams) miss(stream string, now time.Time) (last uint64, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.known[stream]
	if ok && before.gone.IsZero() {
		before.gone = now
		s.known[stream] = before
	}
	return before.last, !ok || now.Sub(before.gone) >= goneFor
}

// found notes that a stream is there of which nobody needs to know more.
func (s *Streams) found(stream string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[stream] = known{}
}

// ensure returns the stream of that name, which it makes with these settings when there
// is none.
func (s *Streams) ensure(ctx context.Context, want jetstream.StreamConfig) (info *jetstream.StreamInfo, err error) {
	err = s.briefly(ctx, func(ctx context.Context) error {
		stream, err := s.js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			last, ready := s.miss(want.Name, time.Now())
			if !ready {
				return errGone
			}
			want.FirstSeq = firstSequence(time.Now(), last)
			stream, err = s.js.CreateStream(ctx, want)
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			stream, err = s.js.Stream(ctx, want.Name)
			if errors.Is(err, jetstream.ErrStreamNotFound) {
				err = errBeingMade
			}
		}
		if err == nil {
			info = stream.CachedInfo()
		}
		return err
	})
	return info, err
}
