package stream

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// Survey is what waits in the streams of all partitions.
type Survey struct {
	Streams []Kept
	// Waiting are the identities with the most in their inboxes, the most first.
	Waiting []Backlog
	// Uncounted are the inboxes that have so many addresses that whose they are was not asked.
	Uncounted []string
}

// Kept is a stream.
type Kept struct {
	Name      string
	Messages  uint64 // with the mark, where there is one, but for inboxes whose addresses were counted
	Bytes     uint64
	MaxBytes  int64     // 0 for no bound
	Addresses uint64    // subjects that have something
	Oldest    time.Time // zero where there is nothing
	Readers   []Reader
}

// Reader is a consumer of a stream: most have none.
type Reader struct {
	Name           string
	Pending        uint64 // yet to be handed out
	Unacknowledged int
	Redelivered    int
}

// Backlog is what waits in the inbox of an identity, at all its addresses.
type Backlog struct {
	Identity lime.Identity
	Messages uint64
}

// Bounds of a survey: it asks for what there is in lists, and is no burden to who answers.
const (
	// maxListed bounds the streams that are looked at, of which 256 come in an answer.
	maxListed = 16 << 10
	// maxReaders bounds the streams of which the consumers are listed.
	maxReaders = 64
	// maxAddresses bounds the addresses, of all inboxes, whose messages are counted, each some 60 bytes of an answer.
	maxAddresses = 100_000
)

// Survey looks at all streams, and names up to top identities with the most waiting. It costs JetStream a list of its streams, and
// of the addresses in the fullest inboxes as far as these have not too many.
func (s *Streams) Survey(ctx context.Context, top int) (v Survey, err error) {
	ours := map[string]side{}
	for p := range s.partitions {
		for _, of := range s.sides(p) {
			ours[of.stream] = of
		}
	}
	var inboxes []Kept
	list := s.js.ListStreams(ctx)
	listed := 0
	for info := range list.Info() {
		of, is := ours[info.Config.Name]
		if listed++; listed > maxListed {
			break
		}
		if !is {
			continue
		}
		one := keptOf(info)
		if n := info.State.Consumers; n > 0 && len(v.Streams) < maxReaders {
			if one.Readers, err = s.readersOf(ctx, one.Name); err != nil {
				return v, err
			}
		}
		v.Streams = append(v.Streams, one)
		if of.inbox {
			inboxes = append(inboxes, one)
		}
	}
	if err := list.Err(); err != nil {
		return v, fmt.Errorf("list the streams: %w", err)
	}
	slices.SortFunc(v.Streams, func(a, b Kept) int {
		x, y := ours[a.Name], ours[b.Name]
		return cmp.Or(cmp.Compare(x.what(), y.what()), cmp.Compare(x.p, y.p))
	})
	if top > 0 {
		err = s.backlogs(ctx, &v, inboxes, ours, top)
	}
	return v, err
}

func keptOf(info *jetstream.StreamInfo) Kept {
	one := Kept{
		Name: info.Config.Name, Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: max(0, info.Config.MaxBytes), Addresses: info.State.NumSubjects,
	}
	if one.Messages > 0 {
		one.Oldest = info.State.FirstTime
	}
	return one
}

func (s *Streams) readersOf(ctx context.Context, name string) (all []Reader, err error) {
	stream, err := s.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", name, err)
	}
	list := stream.ListConsumers(ctx)
	for c := range list.Info() {
		all = append(all, Reader{Name: c.Name, Pending: c.NumPending, Unacknowledged: c.NumAckPending, Redelivered: c.NumRedelivered})
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list the consumers of %s: %w", name, err)
	}
	return all, nil
}

// backlogs counts what waits for identities, in the inboxes that have the most, within maxAddresses.
func (s *Streams) backlogs(ctx context.Context, v *Survey, inboxes []Kept, ours map[string]side, top int) error {
	slices.SortStableFunc(inboxes, func(a, b Kept) int { return cmp.Compare(b.Messages, a.Messages) })
	waiting := map[subject.Key]uint64{}
	room := uint64(maxAddresses)
	for _, one := range inboxes {
		switch {
		case one.Messages == 0:
			continue
		case one.Addresses > room:
			v.Uncounted = append(v.Uncounted, one.Name)
			continue
		}
		room -= one.Addresses
		stream, err := s.js.Stream(ctx, one.Name)
		if err != nil {
			return fmt.Errorf("stream %s: %w", one.Name, err)
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(inboxAll(ours[one.Name].p)))
		if err != nil {
			return fmt.Errorf("count %s: %w", one.Name, err)
		}
		of := &v.Streams[slices.IndexFunc(v.Streams, func(of Kept) bool { return of.Name == one.Name })]
		of.Messages, of.Addresses = 0, 0
		for at, n := range info.State.Subjects {
			if key, _, ok := subject.SplitStored(at); ok { // which the mark is not
				waiting[key] += n
				of.Messages += n
				of.Addresses++
			}
		}
		if of.Messages == 0 {
			of.Oldest = time.Time{} // that of the mark
		}
	}
	for key, n := range waiting {
		id, err := key.Identity()
		if err != nil {
			continue // of another version
		}
		v.Waiting = append(v.Waiting, Backlog{id, n})
	}
	slices.SortFunc(v.Waiting, func(a, b Backlog) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Identity.String(), b.Identity.String()))
	})
	v.Waiting = v.Waiting[:min(top, len(v.Waiting))]
	return nil
}
