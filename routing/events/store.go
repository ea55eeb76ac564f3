package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/event"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// The headers of a stored event.
const (
	typeHeader     = "Limegrove-Event"    // its type
	endpointHeader = "Limegrove-Endpoint" // the only one that it is for; absent: it is for all
	reasonHeader   = "Limegrove-Reason"   // of a dead letter: why it is one
)

// StoreConfig is what a Store is made of. All is required.
type StoreConfig struct {
	NATS     *nats.Conn      // it stays the caller's
	Streams  *stream.Streams // with events
	Replicas int             // of the bucket, where it is made
	Age      time.Duration   // for how long a place is remembered that nobody keeps: as long as events are kept
}

// Store is the streams of events, places and dead letters, as one process sees them. Its
// methods may be called from anywhere.
type Store struct {
	*stream.Streams
	nats   *nats.Conn
	places jetstream.KeyValue
}

// bucket has the places, as <partition>.<endpoint>.
const bucket = "webhooks"

// Open makes the bucket of places when it is missing. An error that matches
// stream.Leaderless passes.
func Open(ctx context.Context, cfg StoreConfig) (*Store, error) {
	js, err := jetstream.New(cfg.NATS)
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	kv, err := js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, Description: "Limegrove webhooks", History: 1, Storage: jetstream.FileStorage,
			Replicas: cfg.Replicas, TTL: cfg.Age,
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // another was faster
			kv, err = js.KeyValue(ctx, bucket)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open events: bucket %s: %w", bucket, err)
	}
	return &Store{Streams: cfg.Streams, nats: cfg.NATS, places: kv}, nil
}

// Stored is an event as the stream has it.
type Stored struct {
	Sequence uint64
	Stored   time.Time
	ID       string
	Type     event.Type
	Domain   string // folded
	Endpoint string // the only one that it is for; "" for all
	Event    []byte // its JSON; whoever reads it must not change it
}

// Page is a part of a partition's events, in their order.
type Page struct {
	Events  []Stored
	Through uint64 // all up to here was seen; 0 when nothing was
	More    bool
}

// Read returns the first events of a partition whose sequence is from or higher: at most so
// many, and no further ones when they have so many bytes together.
func (s *Store) Read(ctx context.Context, p int, from uint64, most, bytes int) (Page, error) {
	all, err := s.WalkEvents(ctx, p, from, most, bytes)
	if err != nil {
		return Page{}, fmt.Errorf("read events: %w", err)
	}
	page := Page{Through: all.Through, More: all.More, Events: make([]Stored, len(all.Messages))}
	for i, m := range all.Messages {
		page.Events[i] = storedOf(m)
	}
	return page, nil
}

func storedOf(m stream.Message) Stored {
	e := Stored{
		Sequence: m.Sequence, Stored: m.Stored, ID: m.Header.Get(nats.MsgIdHdr), Type: event.Type(m.Header.Get(typeHeader)),
		Endpoint: m.Header.Get(endpointHeader), Event: m.Data,
	}
	if key, ok := subject.SplitEvent(m.Subject); ok {
		if id, err := key.Identity(); err == nil {
			e.Domain = id.Domain
		}
	}
	return e
}

// Backlog is how many events there are behind the places of an endpoint, those included that
// it does not want, and when the first of them was stored; zero when there is none.
func (s *Store) Backlog(ctx context.Context, endpoint string) (n int, oldest time.Time, err error) {
	for p := range s.Partitions() {
		place, err := s.Place(ctx, p, endpoint)
		if err != nil {
			return 0, time.Time{}, err
		}
		if place.Stream != s.EventsName(p) {
			place.Next = 0
		}
		page, err := s.WalkEvents(ctx, p, place.Next, 1, 1)
		if err != nil {
			return 0, time.Time{}, fmt.Errorf("backlog of %s: %w", endpoint, err)
		}
		if len(page.Messages) == 0 {
			continue
		}
		if at := page.Messages[0].Stored; oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
		more, err := s.EventsFrom(ctx, p, place.Next)
		if err != nil {
			return 0, time.Time{}, fmt.Errorf("backlog of %s: %w", endpoint, err)
		}
		n += more
	}
	return n, oldest, nil
}

// Follow has wake called, which must not block, when events were stored in a partition, until
// stop. What it misses is found by reading now and then.
func (s *Store) Follow(p int, wake func()) (stop func(), err error) {
	sub, err := s.nats.Subscribe(subject.EventedAll(p), func(*nats.Msg) { wake() })
	if err != nil {
		return nil, fmt.Errorf("follow events: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // the connection may be gone
}

// Place is up to where an endpoint has the events of a partition.
type Place struct {
	Next   uint64 `json:"next"`   // the first sequence that it does not have
	Stream string `json:"stream"` // the name of the stream that Next is of

	revision uint64
}

// ErrPlaceLost says that somebody else has changed a place since it was read.
var ErrPlaceLost = errors.New("another router has the endpoint's place")

// Place returns the place of an endpoint in a partition. One that never had any begins at the
// first event that there is.
func (s *Store) Place(ctx context.Context, p int, endpoint string) (Place, error) {
	e, err := s.places.Get(ctx, placeKey(p, endpoint))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Place{}, nil
	}
	if err != nil {
		return Place{}, fmt.Errorf("place of %s: %w", endpoint, err)
	}
	place := Place{revision: e.Revision()}
	if err := json.Unmarshal(e.Value(), &place); err != nil {
		return Place{revision: e.Revision()}, nil // it begins anew, which tells twice and loses nothing
	}
	return place, nil
}

// Keep notes a place that was read before, with what has changed, and returns it as it can be
// kept again. An error that matches ErrPlaceLost says that it is another's by now.
func (s *Store) Keep(ctx context.Context, p int, endpoint string, place Place) (Place, error) {
	text, err := json.Marshal(place)
	if err != nil {
		return place, fmt.Errorf("keep the place of %s: %w", endpoint, err)
	}
	revision, err := s.places.Update(ctx, placeKey(p, endpoint), text, place.revision)
	if stream.Taken(err) {
		return place, fmt.Errorf("keep the place of %s: %w", endpoint, ErrPlaceLost)
	}
	if err != nil {
		return place, fmt.Errorf("keep the place of %s: %w", endpoint, err)
	}
	place.revision = revision
	return place, nil
}

// Places returns the places of all endpoints in a partition that anybody has kept lately.
func (s *Store) Places(ctx context.Context, p int) (all map[string]Place, err error) {
	watch, err := s.places.Watch(ctx, placeKey(p, "*"), jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("places: %w", err)
	}
	defer func() {
		_ = watch.Stop()            // it ends in any case, though its consumer may not
		for range watch.Updates() { // the library waits for a reader of what it has
		}
	}()
	all = map[string]Place{}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("places: %w", ctx.Err())
		case e, ok := <-watch.Updates():
			if !ok {
				return nil, fmt.Errorf("places: %w", nats.ErrConnectionClosed)
			}
			if e == nil {
				return all, nil
			}
			place := Place{revision: e.Revision()}
			if json.Unmarshal(e.Value(), &place) == nil {
				all[e.Key()[len(placeKey(p, "")):]] = place
			}
		}
	}
}

func placeKey(p int, endpoint string) string { return strconv.Itoa(p) + "." + endpoint }
