package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	// holdScript: holder, time to live in ms. It answers whether the holder has
	// it now (1).
	holdScript = newScript(1, `
local has = redis.call('GET', KEYS[1])
if has and has ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

	// releaseScript: holder. It answers whether the holder had it (1).
	releaseScript = newScript(1, `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
`)
)

// Hold acquires or renews the lease called name for holder, and tells whether
// holder has it. It then has it for ttl, counted from when Hold was called. The
// name is 1 to 127 characters of [A-Za-z0-9-_.].
//
// The lease is advisory: it saves several processes the same work. A holder
// that stands still for longer than ttl, a flush, and a failover can each make
// two holders for a while; so the work must bear being done twice.
//
// After an error holder may or may not have it.
func (s *Store) Hold(ctx context.Context, name string, holder EdgeID, ttl time.Duration) (held bool, err error) {
	if ttl < time.Millisecond {
		return false, fmt.Errorf("hold %s: a time to live of %v is less than a millisecond", name, ttl)
	}
	held, err = s.hold(ctx, holdScript, name, holder, ttl.Milliseconds())
	if err != nil {
		return false, fmt.Errorf("hold %s: %w", name, err)
	}
	return held, nil
}

// Release gives the lease called name back, if holder has it; else it does
// nothing.
func (s *Store) Release(ctx context.Context, name string, holder EdgeID) error {
	if _, err := s.hold(ctx, releaseScript, name, holder); err != nil {
		return fmt.Errorf("release %s: %w", name, err)
	}
	return nil
}

func (s *Store) hold(ctx context.Context, sc *script, name string, holder EdgeID, more ...any) (bool, error) {
	if err := checkHold(name); err != nil {
		return false, err
	}
	if err := holder.check(); err != nil {
		return false, err
	}
	key := holdPrefix + name
	c := s.scriptCall(ctx, sc, key, append([]any{string(holder)}, more...)...)
	if err := s.do(ctx, key, c); err != nil {
		return false, err
	}
	cmd, ok := c.cmd.(*redis.Cmd)
	if !ok {
		return false, errAnswer
	}
	n, err := cmd.Int()
	return n == 1, err
}

func checkHold(name string) error {
	if name == "" || len(name) > maxPart {
		return fmt.Errorf("the name is not 1 to %d characters", maxPart)
	}
	for _, c := range []byte(name) {
		if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) && c != '-' && c != '_' && c != '.' {
			return errors.New("a character of the name is none of A-Z a-z 0-9 . _ -")
		}
	}
	return nil
}
