package presence

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"limegrove/lime"
)

// MaxRoomChange is how many of those who came and went one RoomChange may have.
const MaxRoomChange = 1000

// RoomChange is what an edge has to say of who is in a room. A room is registered as an
// identity, and who is in it as its nodes, so that leases and sweeps know it as one. The
// instance of such a node may be any text without a line break; it is not for routing.
type RoomChange struct {
	Room    lime.Identity
	Entered []Registration // of nodes of Room; who is there already stays
	Left    []Registration // of which Node, Edge and Session count; who came since stays
}

// RoomState is what a change has made of a room.
type RoomState struct {
	Version   int64 // see the package comment; 0 when nobody is left
	Occupants int   // how many are there; those of dead edges count until they are swept
	Changed   bool  // anything at all; the version is one greater then
}

// changeRoomScript: how many have entered, field and value of each, field and holder of each
// that has left. It answers {version, occupants, whether it has changed anything}.
var changeRoomScript = newScript(1, `
local v = redis.call('HGET', KEYS[1], '\nv')
local changed = 0
local at = 2
for i = 1, tonumber(ARGV[1]) do
  if redis.call('HGET', KEYS[1], ARGV[at]) ~= ARGV[at + 1] then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
    changed = 1
  end
  at = at + 2
end
while at < #ARGV do
  local has = redis.call('HGET', KEYS[1], ARGV[at])
  if has and string.sub(has, 1, #ARGV[at + 1]) == ARGV[at + 1] then
    redis.call('HDEL', KEYS[1], ARGV[at])
    changed = 1
  end
  at = at + 2
end
if changed == 1 then
  if v then
    v = string.format('%.0f', tonumber(v) + 1)
  else
    local t = redis.call('TIME')
    v = t[1] .. string.format('%06d', t[2])
  end
  redis.call('HSET', KEYS[1], '\nv', v)
end
local n = redis.call('HLEN', KEYS[1]) - 1
if n <= 0 then
  redis.call('DEL', KEYS[1])
  n = 0
end
return {v or '0', tostring(n), tostring(changed)}
`)

// ChangeRooms makes each change in one atomic step, and returns what it has made of each
// room. After an error any of them may have been made; to make them again does no harm.
func (s *Store) ChangeRooms(ctx context.Context, changes []RoomChange) ([]RoomState, error) {
	calls, keys := make([]*call, len(changes)), make([]string, len(changes))
	for i := range changes {
		c := &changes[i]
		args, err := c.args()
		if err != nil {
			return nil, fmt.Errorf("change who is in %s: %w", c.Room, err)
		}
		keys[i] = identityKey(c.Room.Fold())
		calls[i] = s.scriptCall(ctx, changeRoomScript, keys[i], args...)
	}
	if err := s.doAll(ctx, keys, calls); err != nil {
		return nil, fmt.Errorf("change who is in %d rooms: %w", len(changes), err)
	}
	states := make([]RoomState, len(changes))
	for i, c := range calls {
		n, err := numbersOf(c, 3)
		if err != nil {
			return nil, fmt.Errorf("change who is in %s: %w", changes[i].Room, err)
		}
		states[i] = RoomState{Version: n[0], Occupants: int(n[1]), Changed: n[2] == 1}
	}
	return states, nil
}

// args are those of changeRoomScript.
func (c *RoomChange) args() ([]any, error) {
	if n := len(c.Entered) + len(c.Left); n > MaxRoomChange {
		return nil, fmt.Errorf("%d have come or gone, which is more than %d", n, MaxRoomChange)
	}
	args := append(make([]any, 0, 1+2*(len(c.Entered)+len(c.Left))), len(c.Entered))
	for i := range c.Entered {
		_, field, err := place(c.Entered[i].Node)
		if err != nil {
			return nil, err
		}
		value, _, err := encodeValue(&c.Entered[i])
		if err != nil {
			return nil, err
		}
		args = append(args, field, value)
	}
	for i := range c.Left {
		_, field, err := place(c.Left[i].Node)
		if err != nil {
			return nil, err
		}
		value, holder, err := encodeValue(&c.Left[i])
		if err != nil {
			return nil, err
		}
		args = append(args, field, value[:holder])
	}
	return args, nil
}

// Occupants is who is in a room.
type Occupants struct {
	Version int64 // 0 when nobody is
	Count   int   // how many; those of dead edges count until they are swept
	Listed  bool  // Who has all whose edge lives
	Who     []Registration
}

// occupantsScript: the most that are listed. It answers {version, occupants, all fields when
// there are no more than those}.
var occupantsScript = newScript(1, `
local n = redis.call('HLEN', KEYS[1]) - 1
if n <= 0 then
  return {'0', '0', {}}
end
local v = redis.call('HGET', KEYS[1], '\nv')
if n > tonumber(ARGV[1]) then
  return {v or '0', tostring(n), {}}
end
return {v or '0', tostring(n), redis.call('HGETALL', KEYS[1])}
`)

// Occupants returns who is in each of some rooms: of those with more than most in them, how
// many alone. A lease is looked at as RawView does.
func (s *Store) Occupants(ctx context.Context, rooms []lime.Identity, most int) ([]Occupants, error) {
	calls, keys := make([]*call, len(rooms)), make([]string, len(rooms))
	for i, r := range rooms {
		keys[i] = identityKey(r.Fold())
		calls[i] = s.scriptCall(ctx, occupantsScript, keys[i], most)
	}
	if err := s.doAll(ctx, keys, calls); err != nil {
		return nil, fmt.Errorf("read who is in %d rooms: %w", len(rooms), err)
	}
	all := make([]Occupants, len(rooms))
	for i, c := range calls {
		var err error
		if all[i], err = s.occupantsOf(ctx, rooms[i].Fold(), c, most); err != nil {
			return nil, fmt.Errorf("read who is in %s: %w", rooms[i], err)
		}
	}
	return all, nil
}

func (s *Store) occupantsOf(ctx context.Context, room lime.Identity, c *call, most int) (o Occupants, err error) {
	n, err := numbersOf(c, 2)
	if err != nil {
		return o, err
	}
	o = Occupants{Version: n[0], Count: int(n[1]), Listed: int(n[1]) <= most}
	if !o.Listed || o.Count == 0 {
		return o, nil
	}
	flat, _ := listOf(c)[2].([]any)
	v, err := s.viewOf(ctx, room, pairs(flat), "", false)
	if err != nil {
		return o, err
	}
	o.Who = v.Registrations
	return o, nil
}

// listOf returns the list that a script answered.
func listOf(c *call) []any {
	cmd, ok := c.cmd.(interface{ Slice() ([]any, error) })
	if !ok {
		return nil
	}
	list, err := cmd.Slice()
	if err != nil {
		return nil
	}
	return list
}

// numbersOf returns the first n of the three things that a script answered.
func numbersOf(c *call, n int) ([]int64, error) {
	list := listOf(c)
	if len(list) != 3 {
		return nil, errAnswer
	}
	numbers := make([]int64, n)
	for i := range numbers {
		text, _ := list[i].(string)
		var err error
		if numbers[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, errors.Join(errAnswer, err)
		}
	}
	return numbers, nil
}
