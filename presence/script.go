package presence

import (
	"crypto/sha1"
	"encoding/hex"
)

// script is a Lua program in Redis, which runs as one atomic step.
type script struct {
	text string
	sha  string // what EVALSHA calls it by
}

func newScript(text string) *script {
	sum := sha1.Sum([]byte(text))
	return &script{text: text, sha: hex.EncodeToString(sum[:])}
}

// luaNext defines next(v), the version after v. A key made anew begins at the
// server's time in microseconds, so that no version comes twice and versions
// rise even when the key, or everything, was gone in between. It stays below
// 2^53, which is as far as Lua counts.
const luaNext = `
local function next(v)
  if v then return string.format('%.0f', v + 1) end
  local t = redis.call('TIME')
  return t[1] .. string.format('%06d', t[2])
end
`

// luaDrop defines drop(v), which ends a removal: the key goes with its last
// registration, else its version rises. Only the version is left at the end.
const luaDrop = `
local function drop(v)
  v = next(v)
  if redis.call('HLEN', KEYS[1]) <= 1 then
    redis.call('DEL', KEYS[1])
  else
    redis.call('HSET', KEYS[1], '\nv', v)
  end
  return v
end
`

var (
	// registerScript: field, value, length of the holder, whether an older
	// session keeps the node (1), the value that it may replace even so.
	// It answers {the other session's value or "", all fields}; when the node
	// is kept, only the first.
	registerScript = newScript(luaNext + `
local have = redis.call('HMGET', KEYS[1], ARGV[1], '\nv')
local old = have[1]
if old and string.sub(old, 1, ARGV[3]) == string.sub(ARGV[2], 1, ARGV[3]) then
  old = false
end
if old and ARGV[4] == '1' and old ~= ARGV[5] then
  return {old}
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], '\nv', next(have[2]))
return {old or '', redis.call('HGETALL', KEYS[1])}
`)

	// updateScript: field, value, length of the holder. It answers whether the
	// holder is the same (1), and the version.
	updateScript = newScript(luaNext + `
local have = redis.call('HMGET', KEYS[1], ARGV[1], '\nv')
if not have[1] or string.sub(have[1], 1, ARGV[3]) ~= string.sub(ARGV[2], 1, ARGV[3]) then
  return {'0', have[2] or '0'}
end
local v = next(have[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], '\nv', v)
return {'1', v}
`)

	// unregisterScript: field, the session as in a holder. It answers as
	// updateScript does.
	unregisterScript = newScript(luaNext + luaDrop + `
local have = redis.call('HMGET', KEYS[1], ARGV[1], '\nv')
local at = have[1] and string.byte(have[1], 1) + 2
if not at or string.sub(have[1], at, at + #ARGV[2] - 1) ~= ARGV[2] then
  return {'0', have[2] or '0'}
end
redis.call('HDEL', KEYS[1], ARGV[1])
return {'1', drop(have[2])}
`)

	// sweepScript: the version at which the decision was made, the fields. It
	// answers as updateScript does. The version guards against a registration
	// that was made since, even by the same session of an edge that came back.
	sweepScript = newScript(luaNext + luaDrop + `
local v = redis.call('HGET', KEYS[1], '\nv')
if v ~= ARGV[1] then
  return {'0', v or '0'}
end
redis.call('HDEL', KEYS[1], unpack(ARGV, 2))
return {'1', drop(v)}
`)

	// witnessScript: time to live in ms. It answers whether the witness was
	// there and written under the same run of the same server (1). An embedded
	// Redis that tells no run id is one run.
	witnessScript = newScript(`
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or '-'
local was = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], run, 'PX', ARGV[1])
return was == run and '1' or '0'
`)
)
