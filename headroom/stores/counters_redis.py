"""Counters in Redis, for proxies on many machines: each method is one script there, by the clock of the server.

What was spent has no expiry, so that a Redis on `noeviction` or a `volatile-` policy keeps it; a bucket expires when it
is full again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headroom.bucket import UNIT, Bucket, Rate, Taken, micros, take
from headroom.budget import Window
from headroom.stores.counters import KEPT, NOTHING, UNRESERVED, Balance, Cap, Reserved
from headroom.stores.redis import Redis
from headroom.stores.redislink import Argument, Script

CLOCK = """
local function whole(n) return string.format('%.0f', n) end  -- tostring would round to 14 digits
local function clock()                                        -- microseconds
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local now = clock()
"""
"""ARGV[1] is the time in microseconds, or "" for that of the server."""

TAKE = Script(CLOCK + f"""
local rate, full, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local level, at = full, now
local found = redis.call('GET', KEYS[1])
if found then
  level, at = string.match(found, '^(%S+) (%S+)$')
  level, at = tonumber(level), tonumber(at)
end
level = math.min(level + math.max(now - at, 0) * rate, full)
if ARGV[5] == '1' or level >= wanted then
  local left = math.min(level - wanted, full)
  redis.call('SET', KEYS[1], whole(left) .. ' ' .. whole(now), 'PX', whole(math.ceil((full - left) / rate / 1000) + 60000))
  redis.call('ZADD', KEYS[2], whole(now), ARGV[6])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(now - {UNIT}))
end
return {{whole(level), whole(now)}}
""")
"""KEYS: the bucket, the index of buckets by last use. ARGV: time, tokens a minute, parts when full, parts wanted, owe,
name. Returns the level before, and the time: what follows from them is the same function everywhere."""

ACTIVE = Script(CLOCK + f"""
local count = 0
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. whole(now - {UNIT}), '+inf')) do
  if string.sub(name, 1, #ARGV[2]) == ARGV[2] then count = count + 1 end
end
return count
""")

ACCOUNT = CLOCK + f"""
local account, reservations = KEYS[1], KEYS[2]
local window, span = tonumber(ARGV[2]), tonumber(ARGV[3])

local function current() return tonumber(redis.call('HGET', account, 'slot') or '0') end

local function spending()
  local found, rows = {{}}, redis.call('HGETALL', account)
  for i = 1, #rows, 2 do
    local slot = string.match(rows[i], '^s:(.+)$')
    if slot then found[tonumber(slot)] = tonumber(rows[i + 1]) end
  end
  return found
end

local function advance()
  local slot = math.max(current(), window)
  redis.call('HSET', account, 'slot', whole(slot))
  for at in pairs(spending()) do
    if at <= slot - span then redis.call('HDEL', account, 's:' .. whole(at)) end
  end
  return slot
end

local function spend(slot, amount) redis.call('HINCRBY', account, 's:' .. whole(slot), whole(amount)) end

local function reservation(id)
  local found = redis.call('HGET', reservations, id)
  if not found then return nil end
  local amount, til, due, slot = string.match(found, '^(%S+) (%S+) (%S+) (%S+)$')
  return tonumber(amount), tonumber(til), due == '1', tonumber(slot)
end

local function keep(id, amount, til, due, slot)
  redis.call('HSET', reservations, id, table.concat({{whole(amount), whole(til), due, whole(slot)}}, ' '))
end

local function settle(slot, first)
  for i = first, #ARGV, 2 do
    local id, amount = ARGV[i], tonumber(ARGV[i + 1])
    local counted, _, due, at = reservation(id)
    if counted then
      redis.call('HDEL', reservations, id)
      if due then spend(at, amount - counted) else spend(slot, amount) end
    elseif id == '{UNRESERVED}' then
      spend(slot, amount)
    end
  end
end

local function expire()
  for _, id in ipairs(redis.call('HKEYS', reservations)) do
    local amount, til, due = reservation(id)
    if til < now and due then
      redis.call('HDEL', reservations, id)
    elseif til < now then
      spend(current(), amount)
      keep(id, amount, now + {KEPT * 1e6:.0f}, '1', current())
    end
  end
end

local function balance()
  local slot = math.max(current(), window)
  local spent, reserved, oldest = 0, 0, nil
  for at, amount in pairs(spending()) do
    if at > slot - span then
      spent = spent + amount
      if amount > 0 and (not oldest or at < oldest) then oldest = at end
    end
  end
  for _, id in ipairs(redis.call('HKEYS', reservations)) do
    local amount, _, due = reservation(id)
    if not due then reserved = reserved + amount end
  end
  return spent, reserved, {{whole(slot), oldest and whole(oldest) or '', redis.call('HGET', account, 'cap') or ''}}
end
"""
"""KEYS: a hash of slot, limit and amounts by slot; a hash of reservations by id. ARGV: time, the window's slot, its span."""

RESERVE = Script(ACCOUNT + """
local id, amount, limit, lives = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local slot = advance()
redis.call('HSET', account, 'cap', whole(limit))
settle(slot, 8)
expire()
local spent, reserved, more = balance()
local known = reservation(id) ~= nil
local granted = known or spent + reserved + amount <= limit
if granted and not known then
  keep(id, amount, now + lives, '0', 0)
  reserved = reserved + amount
end
return {granted and 1 or 0, whole(spent), whole(reserved), unpack(more)}
""")

SETTLE = Script(ACCOUNT + "settle(advance(), 4)")

BALANCE = Script(ACCOUNT + """
local spent, reserved, more = balance()
return {whole(spent), whole(reserved), unpack(more)}
""")

RESET = Script(ACCOUNT + """
for at in pairs(spending()) do redis.call('HDEL', account, 's:' .. whole(at)) end
if redis.call('EXISTS', account) == 1 then redis.call('HSET', account, 'slot', '0') end
for _, id in ipairs(redis.call('HKEYS', reservations)) do
  local _, _, due = reservation(id)
  if due then redis.call('HDEL', reservations, id) end
end
""")


class RedisCounters:
    """Uses the store's connections. `now` in seconds stands in for the server's clock, for tests."""

    def __init__(self, store: Redis, now: Callable[[], float] | None = None) -> None:
        self._link, self._now = store.link, now
        self._base = f"{{{store.prefix}:1:counters}}"

    async def take(self, key: str, rate: Rate, amount: int, *, owe: bool = False) -> Taken:
        wanted = (amount if owe else min(amount, rate.burst)) * UNIT
        keys = (f"{self._base}:bucket:{key}", f"{self._base}:buckets")
        told = (rate.per_minute, rate.burst * UNIT, wanted, "1" if owe else "0", key)
        # Not repeated when a connection breaks: what came of the first time is not known.
        level, at = await self._link.run(TAKE, keys, [self._time(), *told], again=False)
        _, taken = take(Bucket(int(level), int(at)), rate, amount, int(at), owe=owe)
        return taken

    async def active(self, prefix: str) -> int:
        return int(await self._link.run(ACTIVE, [f"{self._base}:buckets"], [self._time(), prefix]))

    async def reserve(self, account: str, id: str, amount: int, cap: Cap, paid: Mapping[str, int] = NOTHING) -> Reserved:
        told: list[Argument] = [*self._window(cap.window), id, amount, cap.limit, micros(cap.lives), *_pairs(paid)]
        granted, *rest = await self._link.run(RESERVE, self._account(account), told, again=UNRESERVED not in paid)
        return Reserved(granted == 1, _balance(rest))

    async def settle(self, account: str, paid: Mapping[str, int], window: Window) -> None:
        told = [*self._window(window), *_pairs(paid)]
        await self._link.run(SETTLE, self._account(account), told, again=UNRESERVED not in paid)

    async def balance(self, account: str, window: Window) -> Balance:
        return _balance(await self._link.run(BALANCE, self._account(account), self._window(window)))

    async def reset(self, account: str) -> None:
        await self._link.run(RESET, self._account(account), self._window(Window(0, 1)))

    def _account(self, account: str) -> Sequence[str]:
        return (f"{self._base}:account:{account}", f"{self._base}:reserved:{account}")

    def _window(self, window: Window) -> list[Argument]:
        return [self._time(), window.slot, window.span]

    def _time(self) -> Argument:
        return "" if self._now is None else micros(self._now())


def _pairs(paid: Mapping[str, int]) -> list[Argument]:
    return [word for pair in paid.items() for word in pair]


def _balance(told: Sequence[Any]) -> Balance:
    spent, reserved, slot, oldest, limit = told
    return Balance(int(spent), int(reserved), int(slot), int(oldest) if oldest else None, int(limit) if limit else None)
