package presence

import (
	"context"
	"fmt"
	"maps"

	"github.com/redis/go-redis/v9"

	"limegrove/lime"
)

// Registered returns the registrations of each of ids, in their order, also those whose
// edge has no lease. So it tells of a dead edge's sessions until they are swept, and of
// nobody wrongly that he has gone when it is the leases that are gone. It costs one round
// trip for all.
func (s *Store) Registered(ctx context.Context, ids []lime.Identity) ([]View, error) {
	calls, keys := make([]*call, len(ids)), make([]string, len(ids))
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		keys[i] = identityKey(id.Fold())
		cmds[i] = redis.NewMapStringStringCmd(ctx, "hgetall", keys[i])
		calls[i] = s.newCall(cmds[i], nil)
	}
	if err := s.doAll(ctx, keys, calls); err != nil {
		return nil, fmt.Errorf("registrations of %d identities: %w", len(ids), err)
	}
	all := make([]View, len(ids))
	for i, cmd := range cmds {
		v, held, err := s.decode(ids[i].Fold(), maps.All(cmd.Val()))
		if err != nil {
			return nil, fmt.Errorf("registrations of %s: %w", ids[i], err)
		}
		v.Registrations = living(held, nil)
		all[i] = v
	}
	return all, nil
}
