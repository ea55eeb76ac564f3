package presence

import (
	"context"
	"errors"
	"time"

	"limegrove/lime"
)

var errTODO = errors.New("not yet")

// Store reads and changes registrations and leases in Redis. Its methods may
// be called by any number of goroutines.
type Store struct{}

// Open checks cfg and returns a Store. It does not wait for Redis, which may
// be away: each call finds out by itself.
func Open(cfg Config) (*Store, error) { return nil, errTODO }

// Close ends the calls under way with ErrClosed and frees the connections. It
// may be called twice.
func (s *Store) Close() error { return nil }

// Register makes r.Node be held by r.Session in one atomic step, and returns
// the identity's view after it, as RawView would, and the registration of
// another session that r has replaced, if any. With keepOlder a session that
// already holds the node keeps it, and the error matches ErrTaken, unless the
// lease of its edge has run out.
func (s *Store) Register(ctx context.Context, r Registration, keepOlder bool) (v View, replaced *Registration, err error) {
	return View{}, nil, errTODO
}

// Update stores the presence of r, whose session must hold the node, and
// returns the view's new version. The error matches ErrGone when another
// session holds the node, or none.
func (s *Store) Update(ctx context.Context, r Registration) (version int64, err error) {
	return 0, errTODO
}

// Unregister removes n, which session must hold, and returns the view's new
// version. The error matches ErrGone when another session holds the node, or
// none.
func (s *Store) Unregister(ctx context.Context, n lime.Node, session string) (version int64, err error) {
	return 0, errTODO
}

// View returns the registrations of id whose edge's lease is alive. Each lease
// is asked for after the registrations were read.
func (s *Store) View(ctx context.Context, id lime.Identity) (View, error) { return View{}, errTODO }

// RawView is View but for leases that were found alive less than a second ago,
// which it takes for alive still. It mostly costs one command.
func (s *Store) RawView(ctx context.Context, id lime.Identity) (View, error) {
	return View{}, errTODO
}

// PutLease writes l once. An edge calls it before its first Register, so that
// nobody takes its registrations for those of a dead edge; then it lets
// KeepLease renew it.
func (s *Store) PutLease(ctx context.Context, l Lease) error { return errTODO }

// KeepLease renews l until ctx is done, then removes it and returns nil. While
// Redis is away it goes on trying. A lease that it finds missing, after a
// flush or a long pause, is made again at once, and lost is called so that the
// owner registers all its sessions again. Calls of lost never overlap; its
// context ends with ctx. The error tells of a bad Lease or a closed Store.
func (s *Store) KeepLease(ctx context.Context, l Lease, lost func(context.Context)) error {
	return errTODO
}

// LeaseLeft returns how long the lease of e lives if nobody renews it; 0 means
// that there is none.
func (s *Store) LeaseLeft(ctx context.Context, e EdgeID) (time.Duration, error) { return 0, errTODO }

// Sweep walks over everything and removes the registrations of edges that have
// no lease and of which dead says true. It removes at most Config.SweepLimit of
// them; what it has removed it returns also beside an error.
func (s *Store) Sweep(ctx context.Context, dead func(EdgeID) bool) ([]Removed, error) {
	return nil, errTODO
}
