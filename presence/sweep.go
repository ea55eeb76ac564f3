package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// maxSweepBatch is well below what Lua's unpack takes, a few thousand.
const maxSweepBatch = 1000

// errSwept ends a walk that has removed as much as it may.
var errSwept = errors.New("the limit of one sweep is reached")

// Sweep walks over everything and removes the registrations of edges that have
// no lease and of which dead says true. It removes at most Config.SweepLimit of
// them, but for those of the last few identities; what it has removed it
// returns also beside an error. dead may be called by several goroutines.
//
// A registration that is made during the sweep, even by the same session of an
// edge that comes back, is not removed: its edge's lease was made before, and
// the step that removes does nothing once the view has another version than
// the one that was read before the lease was asked for. By the same step a guest
// becomes one that was seen lately; see Whereabouts.
//
// Several sweeps may run at the same time, in this process or in others: each
// registration is returned by the one whose step removed it, and by no other.
// Only when the network loses the answer to that step, nobody returns it.
func (s *Store) Sweep(ctx context.Context, dead func(EdgeID) bool) ([]Removed, error) {
	w := sweep{s: s, dead: dead}
	var err error
	if c, ok := s.client.(*redis.ClusterClient); ok {
		err = c.ForEachMaster(ctx, w.walk)
	} else if c, ok := s.client.(*redis.Client); ok {
		err = w.walk(ctx, c)
	}
	s.metrics.swept.Add(float64(len(w.removed)))
	if err != nil && !errors.Is(err, errSwept) {
		return w.removed, fmt.Errorf("sweep: %w", err)
	}
	return w.removed, nil
}

// sweep is one walk; in a cluster each master has a goroutine in it.
type sweep struct {
	s    *Store
	dead func(EdgeID) bool

	mu      sync.Mutex
	removed []Removed
}

// walk looks at all keys of one server.
func (w *sweep) walk(ctx context.Context, server *redis.Client) error {
	var cursor uint64
	for {
		if w.s.ctx.Err() != nil {
			return ErrClosed
		}
		keys, next, err := server.Scan(ctx, cursor, keyPrefix+"*", int64(w.s.cfg.SweepBatch)).Result()
		if err != nil {
			return err
		}
		for batch := range slices.Chunk(keys, w.s.cfg.SweepBatch) {
			if err := w.step(ctx, batch); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// step reads the keys, then asks for the leases, then removes.
func (w *sweep) step(ctx context.Context, keys []string) error {
	suspects, err := w.read(ctx, keys)
	if err != nil || len(suspects) == 0 {
		return err
	}
	var edges []EdgeID
	for _, c := range suspects {
		for _, h := range c.held {
			if !slices.Contains(edges, h.Edge) {
				edges = append(edges, h.Edge)
			}
		}
	}
	void, err := w.s.voidOf(ctx, edges, true)
	if err != nil {
		return err
	}
	for i := range suspects {
		c := &suspects[i]
		c.held = slices.DeleteFunc(c.held, func(h held) bool { return !slices.Contains(void, h.Edge) })
		slices.SortStableFunc(c.held, guestsFirst)
	}
	if err := w.remove(ctx, suspects); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.removed) >= w.s.cfg.SweepLimit {
		return errSwept
	}
	return nil
}

// read returns what the keys hold of edges of which dead says true.
func (w *sweep) read(ctx context.Context, keys []string) ([]suspect, error) {
	pipe := w.s.client.Pipeline()
	for _, k := range keys {
		pipe.HGetAll(ctx, k)
	}
	cmds, _ := pipe.Exec(ctx) // each command has its own error
	var suspects []suspect
	says := make(map[EdgeID]bool)
	for i, cmd := range cmds {
		fields, err := cmd.(*redis.MapStringStringCmd).Result()
		if err != nil {
			return nil, err
		}
		id, ok := keyIdentity(keys[i])
		if !ok {
			continue
		}
		v, all, err := w.s.decode(id, maps.All(fields))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		all = slices.DeleteFunc(all, func(h held) bool {
			d, asked := says[h.Edge]
			if !asked {
				d = w.dead(h.Edge)
				says[h.Edge] = d
			}
			return !d
		})
		if len(all) > 0 {
			suspects = append(suspects, suspect{keys[i], id, v, all})
		}
	}
	return suspects, nil
}
