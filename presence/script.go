package presence

import "github.com/redis/go-redis/v9"

// script is a Lua program in Redis, which runs as one atomic step.
type script struct {
	text string
	sha  string // what EVALSHA calls it by
	keys int    // how many keys it is given
}

func newScript(keys int, text string) *script {
	return &script{text: text, sha: redis.NewScript(text).Hash(), keys: keys}
}

// luaDrop ends a removal: the key goes with its last registration, else its
// version rises. Only the version is left at the end.
const luaDrop = `
v = string.format('%.0f', tonumber(v) + 1)
if redis.call('HLEN', KEYS[1]) <= 1 then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], '\nv', v)
end
return {'1', v}
`

var (
	// registerScript: field, value, length of the holder, whether an older
	// session keeps the node (1), the value that it may replace even so.
	// It answers {new version, all fields as they were before}, or, when the
	// node is kept, {"0", its value}.
	//
	// A key made anew begins with the server's time in microseconds, so that no
	// version comes twice and versions rise even when the key, or everything,
	// was gone in between. It stays below 2^53, which is as far as Lua counts.
	registerScript = newScript(1, `
local all = redis.call('HGETALL', KEYS[1])
local old, v
for i = 1, #all, 2 do
  if all[i] == ARGV[1] then
    old = all[i + 1]
  elseif all[i] == '\nv' then
    v = all[i + 1]
  end
end
if old and ARGV[4] == '1' and old ~= ARGV[5] then
  local n = tonumber(ARGV[3])
  if string.sub(old, 1, n) ~= string.sub(ARGV[2], 1, n) then
    return {'0', old}
  end
end
if v then
  v = string.format('%.0f', tonumber(v) + 1)
else
  local t = redis.call('TIME')
  v = t[1] .. string.format('%06d', t[2])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], '\nv', v)
return {v, all}
`)

	// updateScript: field, value, length of the holder. It answers whether the
	// holder is the same (1), and the version.
	updateScript = newScript(1, `
local have = redis.call('HMGET', KEYS[1], ARGV[1], '\nv')
local n = tonumber(ARGV[3])
if not have[1] or string.sub(have[1], 1, n) ~= string.sub(ARGV[2], 1, n) then
  return {'0', have[2] or '0'}
end
local v = string.format('%.0f', tonumber(have[2]) + 1)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], '\nv', v)
return {'1', v}
`)

	// unregisterScript, with the key of the guests seen lately: field, the
	// session as in a holder, grace in ms. It answers as updateScript does.
	unregisterScript = newScript(2, luaSeen+luaGuest+`
local have = redis.call('HMGET', KEYS[1], ARGV[1], '\nv')
local v = have[2]
local at = have[1] and string.byte(have[1], 1) + 2
if not at or string.sub(have[1], at, at + #ARGV[2] - 1) ~= ARGV[2] then
  return {'0', v or '0'}
end
if guest(have[1], at + #ARGV[2]) then
  seen(ARGV[3], {ARGV[1]})
end
redis.call('HDEL', KEYS[1], ARGV[1])
`+luaDrop)

	// sweepScript, with the key of the guests seen lately: the version at which
	// the decision was made, grace in ms, how many of the fields are guests, the
	// fields, guests first. It answers as updateScript does. The version guards
	// against a registration that was made since, even by the same session of an
	// edge that came back, and lets one of several sweepers win.
	sweepScript = newScript(2, luaSeen+`
local v = redis.call('HGET', KEYS[1], '\nv')
if v ~= ARGV[1] then
  return {'0', v or '0'}
end
local guests = tonumber(ARGV[3])
if guests > 0 then
  seen(ARGV[2], {unpack(ARGV, 4, 3 + guests)})
end
redis.call('HDEL', KEYS[1], unpack(ARGV, 4))
`+luaDrop)

	// witnessScript: time to live in ms, the value that was answered last, a sign
	// to write a new one with. It answers whether the witness was there as it was
	// answered last and written under the same run of the same server (1), and its
	// value. Whoever was answered none takes any that has not his sign. An embedded
	// Redis that tells no run id is one run.
	witnessScript = newScript(1, `
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or '-'
local was = redis.call('GET', KEYS[1])
local value = run .. ':' .. ARGV[3]
local same = was and string.sub(was, 1, #run + 1) == run .. ':' and (was == ARGV[2] or ARGV[2] == '' and was ~= value)
if same then
  value = was
end
redis.call('SET', KEYS[1], value, 'PX', ARGV[1])
return (same and '1' or '0') .. value
`)
)
