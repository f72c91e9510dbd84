"""What the Redis store asks Redis to do, in Lua: each script is one atomic step.

A space is three kinds of keys. `used` is a sorted set with a member for each row, by the time of its last use; `bytes`
is their sum; and for each row key there is a hash of tenant → value. A value begins with one byte that says how it is
packed, which is not counted. A member is "SIZE LENGTH KEYTENANT", LENGTH being that of KEY: so the size of a row is
known when only its member is left, because Redis ran out of memory and evicted the value.

All times are the caller's clock in seconds; Redis's own expiry is later, and only there so that what nobody comes
back for is gone in the end.
"""

from __future__ import annotations

from headroom.stores.redislink import Script

PURGED = 16
"""Rows looked at with each write beyond those it adds, so that there never are many that are of no use any more."""

COMMON = """
local used, bytes, rows = KEYS[1], KEYS[2], KEYS[3]
local now, oldest, stale, life = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function member(key, tenant, size)
  return string.format('%d %d ', size, #key) .. key .. tenant
end

local function forget(name, size)
  if redis.call('ZREM', used, name) == 1 then redis.call('DECRBY', bytes, size) end
end

local function parts(name)
  local size, length = string.match(name, '^(%d+) (%d+) ')
  local start = #size + #length + 3
  return tonumber(size), tonumber(length), string.sub(name, start, start + length - 1), string.sub(name, start + length)
end

local function drop(name)
  local size, length, key, tenant = parts(name)
  -- A row written anew after Redis had evicted its value has another member too, unless it is of the same size.
  if redis.call('HSTRLEN', rows .. key, tenant) - 1 + length == size then redis.call('HDEL', rows .. key, tenant) end
  forget(name, size)
end

local function use(key, tenant, size)
  if redis.call('ZADD', used, now, member(key, tenant, size)) == 1 then redis.call('INCRBY', bytes, size) end
  if life > 0 then redis.call('PEXPIRE', rows .. key, life) end
end

local function read(key, tenant)
  local value = redis.call('HGET', rows .. key, tenant)
  if not value then return false end
  local size = #value - 1 + #key
  local score = redis.call('ZSCORE', used, member(key, tenant, size))
  if score and tonumber(score) < tonumber(oldest) then return false end
  if not score or tonumber(score) < stale then use(key, tenant, size) end
  return value
end

local function gone(name)
  local _, _, key, tenant = parts(name)
  return redis.call('HEXISTS', rows .. key, tenant) == 0
end

-- What has expired, which are the first, and what Redis has evicted when it was short of memory, which can be any.
local function purge(most)
  local names = redis.call('ZRANGE', used, 0, most - 1, 'WITHSCORES')
  for i = 1, #names, 2 do
    if tonumber(names[i + 1]) < tonumber(oldest) or gone(names[i]) then drop(names[i]) end
  end
  for _, name in ipairs(redis.call('ZRANDMEMBER', used, 16)) do
    if gone(name) then drop(name) end
  end
end
"""

WRITE = Script(COMMON + f"""
local tenant, replace, budget, low = ARGV[5], ARGV[6] == '1', tonumber(ARGV[7]), tonumber(ARGV[8])
local stands = {{}}

local function write(key, value)
  local before, size = redis.call('HSTRLEN', rows .. key, tenant), #value - 1 + #key
  if before > 0 then forget(member(key, tenant, before - 1 + #key), before - 1 + #key) end
  if size > budget then
    redis.call('HDEL', rows .. key, tenant)
  else
    redis.call('HSET', rows .. key, tenant, value)
    use(key, tenant, size)
  end
end

local function held() return tonumber(redis.call('GET', bytes) or '0') end

local function evict(last, goal)
  while held() > goal do
    local names = redis.call('ZRANGEBYSCORE', used, '-inf', last, 'LIMIT', 0, 64)
    if #names == 0 then return end
    for _, name in ipairs(names) do
      if held() > goal then drop(name) end
    end
  end
end

for i = 9, #ARGV, 2 do
  local value = not replace and read(ARGV[i], tenant)
  if not value then write(ARGV[i], ARGV[i + 1]) end
  stands[#stands + 1] = value
end
purge({PURGED} + #stands)
if held() > budget then
  evict('(' .. now, low)      -- older rows, and some more, so that most writes have nothing to evict
  evict('+inf', budget)
end
return stands
""")
"""ARGV: now, oldest, stale, life, tenant, replace, budget, low, then keys and values in turn. Returns for each key the
value that stood there, or nil."""

READ = Script(COMMON + """
local found = {}
for i = 7, #ARGV do
  local owners = ARGV[5] == '1' and redis.call('HKEYS', rows .. ARGV[i]) or {ARGV[6]}
  local value = false
  for _, tenant in ipairs(owners) do value = read(ARGV[i], tenant) or value end
  found[#found + 1] = value
end
return found
""")
"""ARGV: now, oldest, stale, life, everybody's, tenant, then keys. Returns a value or nil for each."""

SIZE = Script(COMMON + """
purge(256)
local entries = redis.call('ZCARD', used) - redis.call('ZCOUNT', used, '-inf', '(' .. oldest)
return {entries, tonumber(redis.call('GET', bytes) or '0')}
""")
"""ARGV: now, oldest, stale, life. Returns entries and bytes."""
