package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"limegrove/lime"
)

// toldTTL is for how long it is known what the contacts of an identity were told. Longer
// costs memory for each identity that has come or gone in that time; an edge that comes
// back after it stood still for longer is not told of again.
const toldTTL = time.Hour

// Uncertain begins what Telling returns when it is not known what others were told last.
// What was told never begins with it.
const Uncertain = "?"

// Telling notes that others are being told of an identity, and returns what they were
// told last: "" when nothing is noted, and something that begins with Uncertain when
// somebody else is at it, or was and has not ended. The mark is the caller's, and another
// one each time; Told ends it.
func (s *Store) Telling(ctx context.Context, id lime.Identity, mark string) (before string, err error) {
	key := toldKey(id)
	cmd := redis.NewStringCmd(ctx, "set", key, Uncertain+mark, "px", toldTTL.Milliseconds(), "get")
	err = s.do(ctx, key, s.newCall(cmd, nil))
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("note that %s is told of: %w", id, err)
	}
	return cmd.Val(), nil
}

// toldScript: mark, what was told, time to live in ms, what stands for uncertainty.
var toldScript = newScript(1, `
local told = ARGV[2]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  told = ARGV[4]
end
redis.call('SET', KEYS[1], told, 'PX', ARGV[3])
return 1
`)

// Told notes what others were told of an identity since the caller's Telling. When
// somebody else has told of it, too, it is not known who was the last.
func (s *Store) Told(ctx context.Context, id lime.Identity, mark, told string) error {
	key := toldKey(id)
	c := s.scriptCall(ctx, toldScript, key, Uncertain+mark, told, toldTTL.Milliseconds(), Uncertain)
	if err := s.do(ctx, key, c); err != nil {
		return fmt.Errorf("note what was told of %s: %w", id, err)
	}
	return nil
}

// toldOneScript: what was told, what stands for uncertainty, time to live in ms.
var toldOneScript = newScript(1, `
local told = redis.call('GET', KEYS[1])
if told and told ~= ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
`)

// ToldOne notes what one alone was told of each of ids. Where all were told something else
// last, or are being told of it, which that one may have heard before, it is not known from now
// on what was told.
func (s *Store) ToldOne(ctx context.Context, ids []lime.Identity, told []string) error {
	calls, keys := make([]*call, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		keys[i] = toldKey(id)
		calls[i] = s.scriptCall(ctx, toldOneScript, keys[i], told[i], Uncertain, toldTTL.Milliseconds())
	}
	if err := s.doAll(ctx, keys, calls); err != nil {
		return fmt.Errorf("note what one was told of %d identities: %w", len(ids), err)
	}
	return nil
}

func toldKey(id lime.Identity) string { return toldPrefix + hashTag(identityKey(id.Fold())) }
