package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"limegrove/lime"
)

// Floor is the position up to which everything for an address is acknowledged.
// It is a hint: when it is lost or too low, messages that were acknowledged are
// kept once more than they need be, and none is lost.
type Floor struct {
	Identity lime.Identity // name and domain
	Instance string        // "" means the bare identity
	Log      string        // which log Position is a position of; 1 to 32 bytes
	Position uint64        // the last one that needs the log no more; 0 says nothing
}

// maxLog is the longest Floor.Log, in bytes.
const maxLog = 32

// RaiseFloors stores each floor of which no higher one of the same log is
// stored; a floor of another log is replaced. What is raised lives for
// Config.FloorTTL, as do all floors of its identity. Of one identity, about a
// thousand are kept, those that were raised last.
//
// After an error some may not have been raised; raising again is harmless. A
// floor that is not as Floor says refuses them all.
func (s *Store) RaiseFloors(ctx context.Context, floors []Floor) error {
	calls := make([]*call, 0, len(floors))
	keys := make([]string, 0, len(floors))
	args, err := s.raises(floors)
	if err != nil {
		return fmt.Errorf("raise floors: %w", err)
	}
	for key, all := range args {
		for part := range slices.Chunk(all, 3*floorBatch) {
			part = append([]any{s.cfg.FloorTTL.Milliseconds()}, part...)
			keys = append(keys, key)
			calls = append(calls, s.scriptCall(ctx, raiseScript, key, part...))
		}
	}
	if err := s.doAll(ctx, keys, calls); err != nil {
		return fmt.Errorf("raise floors of %d identities: %w", len(args), err)
	}
	return nil
}

// raises returns the arguments of raiseScript by key, without the first.
func (s *Store) raises(floors []Floor) (map[string][]any, error) {
	args := make(map[string][]any, len(floors))
	for i := range floors {
		f := &floors[i]
		if f.Identity.Name == "" || f.Identity.Domain == "" {
			return nil, fmt.Errorf("the identity %q is incomplete", f.Identity)
		}
		if f.Log == "" || len(f.Log) > maxLog {
			return nil, fmt.Errorf("the log %q of %s is not 1 to %d bytes", f.Log, f.Identity, maxLog)
		}
		n := lime.Node{Identity: f.Identity, Instance: f.Instance}.Fold()
		key := floorKey(identityKey(n.Identity))
		args[key] = append(args[key], n.Instance, strconv.FormatUint(f.Position, 10), f.Log)
	}
	return args, nil
}

// Floors returns the floors of each of ids, in their order, those of one sorted
// by instance. The instances are folded, the identities as they are in ids.
func (s *Store) Floors(ctx context.Context, ids []lime.Identity) ([][]Floor, error) {
	calls := make([]*call, len(ids))
	keys := make([]string, len(ids))
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		keys[i] = floorKey(identityKey(id.Fold()))
		cmds[i] = redis.NewMapStringStringCmd(ctx, "hgetall", keys[i])
		calls[i] = s.newCall(cmds[i], nil)
	}
	if err := s.doAll(ctx, keys, calls); err != nil {
		return nil, fmt.Errorf("floors of %d identities: %w", len(ids), err)
	}
	all := make([][]Floor, len(ids))
	for i, cmd := range cmds {
		all[i] = s.floorsOf(ids[i], cmd.Val())
	}
	return all, nil
}

// floorsOf reads the fields of a hash of floors. What cannot be read is left
// out and counted.
func (s *Store) floorsOf(id lime.Identity, fields map[string]string) []Floor {
	var floors []Floor
	for _, instance := range slices.Sorted(maps.Keys(fields)) {
		log, position, err := decodeFloor(fields[instance])
		if err != nil {
			s.metrics.badFloors.Inc()
			continue
		}
		floors = append(floors, Floor{id, instance, log, position})
	}
	return floors
}

// decodeFloor reads a value as raiseScript writes it.
func decodeFloor(v string) (log string, position uint64, err error) {
	_, v, _ = strings.Cut(v, " ")
	digits, log, ok := strings.Cut(v, " ")
	if !ok {
		return "", 0, errMalformed
	}
	position, err = strconv.ParseUint(digits, 10, 64)
	if err != nil {
		err = errors.Join(errMalformed, err)
	}
	return log, position, err
}
