package delegation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/document"
	"limegrove/lime"
)

// Bucket is the name of the key-value bucket.
const Bucket = "delegations"

// Config says where delegations are.
type Config struct {
	// JetStream is required. It stays the caller's.
	JetStream jetstream.JetStream

	// Replicas of the bucket: 3 in production, so that a NATS server may die. An existing
	// bucket keeps its own. Default 1.
	Replicas int

	// Max is how many delegations an identity may have given, and may be given. Default
	// DefaultMax.
	Max int
}

// Store is the delegations of the whole cluster; every process has its own Store. It has
// no goroutine and nothing to close.
type Store struct {
	bucket *document.Bucket
	max    int
}

// Open makes the bucket when it is missing. After an error that passes Open may be called
// again.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	b, err := document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: Bucket, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("open delegations: %w", err)
	}
	if cfg.Max <= 0 {
		cfg.Max = DefaultMax
	}
	return &Store{b, cfg.Max}, nil
}

// Grant makes what owner has given to d's target what d says, and returns it with its
// version.
func (s *Store) Grant(ctx context.Context, owner lime.Identity, d lime.Delegation) (Granted, error) {
	g := Granted{Owner: owner, Delegation: d}
	k, err := keysOf(owner, d.Target)
	if err == nil {
		err = s.checkRoom(ctx, owner, d.Target, k)
	}
	if err == nil {
		g.Version, err = s.clear(ctx, k)
	}
	if err == nil {
		err = s.write(ctx, k, g)
	}
	if err != nil {
		return g, fmt.Errorf("delegate from %s to %s: %w", owner, d.Target, err)
	}
	return g, nil
}

// write writes both documents, the one that decides last.
func (s *Store) write(ctx context.Context, k keys, g Granted) error {
	b, err := g.encode()
	if err != nil {
		return err
	}
	if err := s.bucket.Put(ctx, k.by, b); err != nil {
		return err
	}
	err = s.bucket.Change(ctx, k.to, func(old document.Document) ([]byte, error) {
		if old.Revision != 0 { // somebody else was faster
			if other, err := decode(old); err == nil && other.Version > g.Version {
				return old.Value, nil
			}
		}
		return b, nil
	})
	if err != nil {
		return err
	}
	// Somebody may have taken it back meanwhile. Whoever does removes what is listed, and then
	// once more what decides: so one of both sees what the other has done.
	if _, err := s.bucket.Latest(ctx, k.by); !errors.Is(err, document.ErrNotFound) {
		return err
	}
	if _, err := s.clear(ctx, k); err != nil {
		return err
	}
	return errRevoked
}

// clear removes what decides, and returns a version above what it had.
func (s *Store) clear(ctx context.Context, k keys) (version uint64, err error) {
	err = s.bucket.Change(ctx, k.to, func(old document.Document) ([]byte, error) {
		version = after(0)
		if old.Revision != 0 {
			if g, err := decode(old); err == nil {
				version = after(g.Version)
			}
		}
		return nil, nil
	})
	return version, err
}

// maxNodes is how many nodes of one target an owner may give something, each by itself, so
// that nobody alone uses up what the target may be given.
const maxNodes = 16

// checkRoom counts, unless there is a delegation already that is only changed.
func (s *Store) checkRoom(ctx context.Context, owner lime.Identity, target lime.Node, k keys) error {
	_, err := s.bucket.Get(ctx, k.to)
	if !errors.Is(err, document.ErrNotFound) {
		return err
	}
	by, err := byKey(owner)
	if err != nil {
		return err
	}
	to, err := toKey(target.Identity)
	if err != nil {
		return err
	}
	pair, err := to.Identity(owner)
	if err != nil {
		return err
	}
	for _, l := range []struct {
		under document.Key
		most  int
	}{{by, s.max}, {to, s.max}, {pair, maxNodes}} {
		has, err := s.bucket.HasRoom(ctx, l.under, l.most)
		switch {
		case err != nil:
			return err
		case !has:
			return ErrTooMany
		}
	}
	return nil
}

// Revoke takes back what owner has given to target, a node or an identity, and returns the
// version from which on that is so; ErrNotFound when there was nothing.
func (s *Store) Revoke(ctx context.Context, owner lime.Identity, target lime.Node) (version uint64, err error) {
	version, err = s.revoke(ctx, owner, target)
	if err != nil {
		return version, fmt.Errorf("revoke from %s what %s has given: %w", target, owner, err)
	}
	return version, nil
}

func (s *Store) revoke(ctx context.Context, owner lime.Identity, target lime.Node) (version uint64, err error) {
	k, err := keysOf(owner, target)
	if err != nil {
		return 0, err
	}
	there, err := s.bucket.Several(ctx, []document.Key{k.by, k.to})
	if err != nil {
		return 0, err
	}
	if version, err = s.clear(ctx, k); err != nil {
		return 0, err
	}
	err = s.bucket.Remove(ctx, k.by)
	none := errors.Is(err, document.ErrNotFound)
	if err != nil && !none {
		return version, err
	}
	later, err := s.clear(ctx, k) // see write
	if err != nil {
		return version, err
	}
	version = max(version, later)
	if none && len(there) == 0 {
		return version, ErrNotFound
	}
	return version, nil
}

// By returns what owner has given, in the order of targets.
func (s *Store) By(ctx context.Context, owner lime.Identity) ([]Granted, error) {
	k, err := byKey(owner)
	if err != nil {
		return nil, err
	}
	return s.under(ctx, k)
}

// To returns what was given to an identity, or to nodes of it. There may be some more than
// the most, when many are given at once; they are left out.
func (s *Store) To(ctx context.Context, target lime.Identity) ([]Granted, error) {
	k, err := toKey(target)
	if err != nil {
		return nil, err
	}
	return s.under(ctx, k)
}

func (s *Store) under(ctx context.Context, k document.Key) ([]Granted, error) {
	docs, err := s.bucket.UnderAtMost(ctx, k, document.Most{Documents: s.max})
	if err != nil {
		return nil, err
	}
	all := make([]Granted, 0, len(docs))
	for _, d := range docs {
		g, err := decode(d)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// Get returns what owner has given to just that target, or ErrNotFound.
func (s *Store) Get(ctx context.Context, owner lime.Identity, target lime.Node) (Granted, error) {
	k, err := keysOf(owner, target)
	if err != nil {
		return Granted{}, err
	}
	d, err := s.bucket.Get(ctx, k.by)
	if errors.Is(err, document.ErrNotFound) {
		return Granted{}, ErrNotFound
	}
	if err != nil {
		return Granted{}, err
	}
	return decode(d)
}

// Allows tells whether owner lets a session's node send an envelope.
func (s *Store) Allows(ctx context.Context, owner lime.Identity, by lime.Node, h *lime.Header) (bool, error) {
	node, err := keysOf(owner, by)
	if err != nil {
		return false, err
	}
	whole, err := keysOf(owner, lime.Node{Identity: by.Identity})
	if err != nil {
		return false, err
	}
	docs, err := s.bucket.Several(ctx, []document.Key{node.to, whole.to})
	if err != nil {
		return false, fmt.Errorf("look whether %s may send for %s: %w", by, owner, err)
	}
	for _, d := range docs {
		g, err := decode(d)
		if err != nil {
			return false, err
		}
		if g.Allows(owner, h) {
			return true, nil
		}
	}
	return false, nil
}

// Forget removes what an identity has given and was given: neither is its name's next
// owner's. It returns what is gone, with the versions from which on that is so, for those who
// keep it in memory; a version of 0 is one that could not be removed.
func (s *Store) Forget(ctx context.Context, i lime.Identity) (gone []Granted, err error) {
	given, err := s.By(ctx, i)
	if err != nil {
		return nil, fmt.Errorf("forget the delegations of %s: %w", i, err)
	}
	got, err := s.To(ctx, i)
	if err != nil {
		return nil, fmt.Errorf("forget the delegations to %s: %w", i, err)
	}
	gone = slices.Concat(given, got)
	for n := range gone {
		version, revoked := s.revoke(ctx, gone[n].Owner, gone[n].Target)
		gone[n].Version = version
		if !errors.Is(revoked, ErrNotFound) {
			err = errors.Join(err, revoked)
		}
	}
	if err != nil {
		return gone, fmt.Errorf("forget the delegations of %s: %w", i, err)
	}
	return gone, nil
}
