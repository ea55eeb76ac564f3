package presence

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Ignored is somebody from whom edges take nothing for a while.
type Ignored struct {
	Peer    string    // folded: an identity, a node, or a domain
	Until   time.Time // to the millisecond
	By      string    // who has said so, for people
	Stopped bool      // it was taken back; kept until then, so that no edge brings it again
}

// MostIgnored is how many there are at a time.
const MostIgnored = 1000

// ErrTooManyIgnored is that there are as many already.
var ErrTooManyIgnored = errors.New("as many are ignored already as may be")

// ignoreScript: peer, what is noted, until, now, at most, whether only where nothing is noted. It answers whether there was room, or
// something. What is over is removed.
var ignoreScript = newScript(1, `
local now, last, n, known = tonumber(ARGV[4]), tonumber(ARGV[3]), 0, false
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local till = tonumber(string.match(all[i + 1], '^%d+')) or 0
  if till <= now then
    redis.call('HDEL', KEYS[1], all[i])
  else
    n = n + 1
    if till > last then
      last = till
    end
    if all[i] == ARGV[1] then
      known = true
    end
  end
end
if known and ARGV[6] == '1' then
  return 1
end
if not known and n >= tonumber(ARGV[5]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], last - now)
return 1
`)

// Ignore notes that a peer is ignored, or not any more; with missing only where nothing is noted of it, as after a flush. It
// matches ErrTooManyIgnored when MostIgnored are.
func (s *Store) Ignore(ctx context.Context, i Ignored, missing bool) error {
	now := time.Now()
	if i.Peer == "" || !i.Until.After(now) {
		return fmt.Errorf("ignore %q until %s: that is nobody, or over", i.Peer, i.Until)
	}
	nx := "0"
	if missing {
		nx = "1"
	}
	c := s.scriptCall(ctx, ignoreScript, ignoredKey, i.Peer, i.value(), i.Until.UnixMilli(), now.UnixMilli(), MostIgnored, nx)
	if err := s.do(ctx, ignoredKey, c); err != nil {
		return fmt.Errorf("ignore %s: %w", i.Peer, err)
	}
	cmd, ok := c.cmd.(*redis.Cmd)
	if !ok {
		return errAnswer
	}
	if n, err := cmd.Int(); err != nil || n != 1 {
		return errors.Join(ErrTooManyIgnored, err)
	}
	return nil
}

// Ignored are all that are noted, in no order, but for those that are over.
func (s *Store) Ignored(ctx context.Context) ([]Ignored, error) {
	cmd := redis.NewMapStringStringCmd(ctx, "hgetall", ignoredKey)
	if err := s.do(ctx, ignoredKey, s.newCall(cmd, nil)); err != nil {
		return nil, fmt.Errorf("read who is ignored: %w", err)
	}
	var all []Ignored
	for peer, value := range cmd.Val() {
		i := Ignored{Peer: peer}
		if i.parse(value) && i.Until.After(time.Now()) {
			all = append(all, i)
		}
	}
	return all, nil
}

// value is what is noted: until when, whether it is in force, and who has said so.
func (i *Ignored) value() string {
	state := "on"
	if i.Stopped {
		state = "off"
	}
	return strconv.FormatInt(i.Until.UnixMilli(), 10) + " " + state + " " + i.By
}

func (i *Ignored) parse(value string) (ok bool) {
	at, rest, _ := strings.Cut(value, " ")
	state, by, _ := strings.Cut(rest, " ")
	ms, err := strconv.ParseInt(at, 10, 64)
	i.Until, i.Stopped, i.By = time.UnixMilli(ms), state == "off", by
	return err == nil && (state == "on" || state == "off")
}
