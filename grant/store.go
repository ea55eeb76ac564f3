package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/document"
	"limegrove/lime"
	"limegrove/room"
)

// Bucket is the name of the key-value bucket.
const Bucket = "room-grants"

// The errors that callers branch on. Each is also what LIME's client is told.
var (
	// ErrNotFound says that the identity was granted nothing.
	ErrNotFound error = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "The identity was granted nothing"}
	// ErrTooLong says that the rules are more, or longer, than what is kept for one identity.
	ErrTooLong error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: fmt.Sprintf(
		"An identity has %d rules of %d bytes together at most", room.MaxGrants, room.MaxGrantsBytes)}
)

// Config says where grants are.
type Config struct {
	// JetStream is required. It stays the caller's.
	JetStream jetstream.JetStream

	// Replicas of the bucket: 3 in production, so that a NATS server may die. An existing
	// bucket keeps its own. Default 1.
	Replicas int
}

// Store is the grants of the whole cluster; every process has its own Store. It has no
// goroutine and nothing to close.
type Store struct{ bucket *document.Bucket }

// Open makes the bucket when it is missing. After an error that passes Open may be called
// again.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	b, err := document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: Bucket, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("open grants: %w", err)
	}
	return &Store{b}, nil
}

// kept is a document.
type kept struct {
	Rules room.Rules `json:"rules"`
}

// Of returns what an identity was granted, as some replica has it: it may be some
// milliseconds old. There are no rules where it was granted nothing.
func (s *Store) Of(ctx context.Context, id lime.Identity) (room.Grants, error) {
	return read(ctx, id, s.bucket.Get)
}

// Latest is Of as the bucket's leader has it, for whoever may just have changed it.
func (s *Store) Latest(ctx context.Context, id lime.Identity) (room.Grants, error) {
	return read(ctx, id, s.bucket.Latest)
}

func read(ctx context.Context, id lime.Identity, get func(context.Context, document.Key) (document.Document, error)) (g room.Grants, err error) {
	k, err := document.Of(id)
	if err != nil {
		return g, err
	}
	d, err := get(ctx, k)
	if errors.Is(err, document.ErrNotFound) {
		return g, nil
	}
	var text kept
	if err == nil {
		err = json.Unmarshal(d.Value, &text)
	}
	if err != nil {
		return g, fmt.Errorf("read what %s was granted: %w", id, err)
	}
	return room.Grants{Revision: d.Revision, Rules: text.Rules}, nil
}

// Set replaces what an identity was granted, and returns it with its revision.
func (s *Store) Set(ctx context.Context, id lime.Identity, rules room.Rules) (g room.Grants, err error) {
	k, err := document.Of(id)
	if err != nil {
		return g, err
	}
	text, err := json.Marshal(kept{rules})
	if err == nil && (len(rules) > room.MaxGrants || len(text) > room.MaxGrantsBytes) {
		return g, ErrTooLong
	}
	g.Rules = rules
	if err == nil {
		g.Revision, err = s.bucket.Revise(ctx, k, func(document.Document) ([]byte, error) { return text, nil })
	}
	if err != nil {
		return room.Grants{}, fmt.Errorf("grant to %s: %w", id, err)
	}
	return g, nil
}

// Revoke takes back all that an identity was granted, or returns ErrNotFound. A document
// without rules stays, so that whoever reads it knows that this is newer than what he has.
func (s *Store) Revoke(ctx context.Context, id lime.Identity) (g room.Grants, err error) {
	k, err := document.Of(id)
	if err != nil {
		return g, err
	}
	g.Revision, err = s.bucket.Revise(ctx, k, func(old document.Document) ([]byte, error) {
		var text kept
		if old.Revision == 0 || json.Unmarshal(old.Value, &text) == nil && len(text.Rules) == 0 {
			return nil, ErrNotFound
		}
		return json.Marshal(kept{room.Rules{}})
	})
	if err != nil {
		return g, fmt.Errorf("take back what %s was granted: %w", id, err)
	}
	return g, nil
}

// Forget removes what an identity was granted: it is not its name's next owner's. The
// revision is that of the removal; there is none where there was nothing.
func (s *Store) Forget(ctx context.Context, id lime.Identity) (g room.Grants, err error) {
	k, err := document.Of(id)
	if err != nil {
		return g, err
	}
	g.Revision, err = s.bucket.RemoveIf(ctx, k, func(document.Document) error { return nil })
	if err != nil && !errors.Is(err, document.ErrNotFound) {
		return g, fmt.Errorf("forget what %s was granted: %w", id, err)
	}
	return g, nil
}
