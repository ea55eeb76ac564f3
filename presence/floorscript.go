package presence

import "strconv"

const (
	// maxFloors bounds the floors of one identity.
	maxFloors = 1024
	// floorLook is how many floors, by chance, are looked at for each that is
	// added: those of them that are too old go. So of an identity whose instances
	// come and go, few more are kept than one in floorLook that need not be.
	floorLook = 8
	// floorBatch bounds the floors that one script raises.
	floorBatch = 128
)

// raiseScript: time to live in ms, then for each floor the field, the position
// and the log. It answers with 1.
//
// A value is the server's time in ms, the position, and the log, with blanks
// between them. Positions are compared as text, the longer one being the
// higher: Lua's numbers would be exact only below 2^53.
//
// Fields have no time to live of their own. So whenever some are added, some
// are looked at, chosen by chance; those that were not raised for the time to
// live go, and of too many also the oldest among those looked at.
var raiseScript = newScript(1, `
local t = redis.call('TIME')
local now = t[1] .. string.format('%03d', math.floor(tonumber(t[2]) / 1000))
local added = 0
for i = 2, #ARGV, 3 do
  local position, log = ARGV[i + 1], ARGV[i + 2]
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  if old then
    local p, l = string.match(old, '^%d+ (%d+) (.*)$')
    if l == log and (#p > #position or #p == #position and p > position) then
      position = p
    end
  else
    added = added + 1
  end
  redis.call('HSET', KEYS[1], ARGV[i], now .. ' ' .. position .. ' ' .. log)
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if added == 0 then
  return 1
end

local n = redis.call('HLEN', KEYS[1])
if added == n then
  return 1
end
local some = redis.call('HRANDFIELD', KEYS[1], `+strconv.Itoa(floorLook)+` * added, 'WITHVALUES')
local rest = {}
for i = 1, #some, 2 do
  local at = tonumber(string.match(some[i + 1], '^%d+')) or 0
  if tonumber(now) - at > tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], some[i])
    n = n - 1
  else
    rest[#rest + 1] = {at, some[i]}
  end
end
if n > `+strconv.Itoa(maxFloors)+` then
  table.sort(rest, function(a, b) return a[1] < b[1] end)
  for i = 1, math.min(n - `+strconv.Itoa(maxFloors)+`, #rest) do
    redis.call('HDEL', KEYS[1], rest[i][2])
  end
end
return 1
`)
