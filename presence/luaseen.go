package presence

import "strconv"

// maxSeen bounds the guest instances of one identity that are seen lately. Of
// more, those that left first are forgotten.
const maxSeen = 256

// luaSeen marks instances of an identity as seen lately, in a sorted set whose
// scores are when that ends, in the server's milliseconds. It stands before the
// removal: when it fails, the registration stays.
//
// Numbers are formatted, since not every Lua prints large ones in full.
var luaSeen = `
local function seen(grace, instances)
  local t = redis.call('TIME')
  local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
  local ends = string.format('%.0f', now + tonumber(grace))
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
  for _, instance in ipairs(instances) do
    redis.call('ZADD', KEYS[2], ends, instance)
  end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, ` + strconv.Itoa(-maxSeen-1) + `)
  redis.call('PEXPIRE', KEYS[2], grace)
end
`

// luaGuest tells whether v, a registration's value whose holder ends before the
// byte at, has tagGuest. See encodeValue for its form.
const luaGuest = `
local function guest(v, at)
  while at <= #v do
    if string.sub(v, at, at) == '` + string(tagGuest) + `' then
      return true
    end
    local size, unit, byte = 0, 1
    repeat
      at = at + 1
      byte = string.byte(v, at) or 0
      size = size + byte % 128 * unit
      unit = unit * 128
    until byte < 128
    at = at + 1 + size
  end
  return false
end
`
