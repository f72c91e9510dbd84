"""Whole answers in Redis, to be given again by any node to whoever asks exactly the same.

A row is a hash: `at`, when it was written, by the server's clock, and `value`. Its key is a keyed hash, so nothing can be
read from it, but whoever can read this Redis can read the answers. Rows live under an era; to forget all of them a new
one begins, which every node hears of with its next call, since each call answers in which era it was made.

`used` (key → last use) says which rows go first when there are too many or they take too much, `due` (key → end of
life) which have expired, `sizes` what each takes and `bytes` their sum. Redis's own expiry is later, and only there so
that what nobody comes back for is gone in the end; what Redis evicts by itself, being short of memory, is a miss.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import anyio.to_thread

from headroom.bucket import micros
from headroom.stores.answerform import decoded, encoded
from headroom.stores.answers import Kept, Room
from headroom.stores.base import Size
from headroom.stores.counters_redis import CLOCK
from headroom.stores.packing import OFF_LOOP, packed, unpacked
from headroom.stores.redis import Redis
from headroom.stores.redislink import Argument, Script

LARGEST = 2 << 20
"""Bytes of the largest row, packed: more would not come within the time-out of a call over a network of 160 Mbit/s."""

PER_ROW = 1024
"""Bytes that Redis needs for a row beside its value, as measured: four times its key of 64, and Redis's own overhead for each."""

GRACE_SECONDS = 3600.0
"""After this beyond its life Redis deletes a row by itself."""

PURGED = 64
"""Expired rows dropped with each write, so that there never are many."""

SWEPT = 500
"""Rows of an era that is over, deleted in one step, during which Redis serves nobody else: about a millisecond."""

COMMON = CLOCK + """
local base = KEYS[1]
local era = redis.call('GET', base .. ':era') or '0'
local here = base .. ':' .. era
local used, due, sizes, bytes, rows = here .. ':used', here .. ':due', here .. ':sizes', here .. ':bytes', here .. ':row:'

-- Also what Redis evicted the size of: a row that stayed the oldest would be dropped without end.
local function drop(key)
  local size = redis.call('HGET', sizes, key)
  if size then
    redis.call('DECRBY', bytes, size)
    redis.call('HDEL', sizes, key)
  end
  redis.call('UNLINK', rows .. key)
  redis.call('ZREM', used, key)
  redis.call('ZREM', due, key)
end

local function purge(most)
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', '(' .. whole(now), 'LIMIT', 0, most)) do drop(key) end
end
"""
"""KEYS: the beginning of all keys. ARGV: time."""

GET = Script(COMMON + """
local key, ttl = ARGV[2], tonumber(ARGV[3])
local at, value = unpack(redis.call('HMGET', rows .. key, 'at', 'value'))
local age = at and math.max(now - tonumber(at), 0)
if not value or age > ttl then
  drop(key)
  return {era}
end
redis.call('ZADD', used, whole(now), key)
return {era, whole(age), value}
""")
"""ARGV: time, key, the longest life. Returns the era, and where there is an answer its age in microseconds and itself."""

PUT = Script(COMMON + f"""
local key, value, size = ARGV[2], ARGV[4], #ARGV[4] + {PER_ROW}
local ttl, entries, budget, life = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
if era ~= ARGV[3] then return {{era}} end
drop(key)
purge({PURGED})
if size > budget then return {{era}} end
redis.call('HSET', rows .. key, 'at', whole(now), 'value', value)
redis.call('ZADD', used, whole(now), key)
redis.call('ZADD', due, whole(now + ttl), key)
redis.call('HSET', sizes, key, size)
redis.call('INCRBY', bytes, size)
for _, name in ipairs({{rows .. key, used, due, sizes, bytes}}) do redis.call('PEXPIRE', name, life) end
while redis.call('ZCARD', used) > entries or tonumber(redis.call('GET', bytes)) > budget do
  local oldest = redis.call('ZRANGE', used, 0, 0)[1]
  if not oldest then redis.call('SET', bytes, 0) break end
  drop(oldest)
end
return {{era}}
""")
"""ARGV: time, key, the era in which it was asked for, value, life, most rows, most bytes, Redis's own expiry in ms.
Returns the era; if that is another one, all was to be forgotten meanwhile, and nothing is kept."""

SIZE = Script(COMMON + """
purge(500)
return {era, redis.call('ZCARD', used), tonumber(redis.call('GET', bytes) or '0')}
""")

CLEAR = Script(COMMON + """
local new = whole(math.max(now, tonumber(era) + 1))
redis.call('SET', base .. ':era', new)
return {new, era}
""")
"""Returns the era that begins and the one that is over."""

SWEEP = Script(CLOCK + f"""
local here = KEYS[1] .. ':' .. ARGV[2]
local keys = redis.call('ZRANGE', here .. ':used', 0, {SWEPT} - 1)
for _, key in ipairs(keys) do
  redis.call('UNLINK', here .. ':row:' .. key)
  redis.call('ZREM', here .. ':used', key)
end
if #keys == 0 then redis.call('UNLINK', here .. ':due', here .. ':sizes', here .. ':bytes') end
return #keys
""")
"""ARGV: time, an era that is over. Returns how many rows were deleted; none, when there are no more."""


class RedisAnswers:
    """Answers, by the clock of the server."""

    def __init__(self, store: Redis, room: Room, now: Callable[[], float], wall: Callable[[], float] | None = None) -> None:
        """Uses the store's connections. `now` in seconds, steady, for the times of answers; `wall` in seconds stands in
        for the server's clock, for tests."""
        self._link, self._room, self._now, self._wall = store.link, room, now, wall
        self._keys = (f"{{{store.prefix}:1:answers}}",)
        self._era: str | None = None

    @property
    def era(self) -> Hashable:
        return self._era

    async def get(self, key: str) -> Kept | None:
        era, *found = await self._link.run(GET, self._keys, [self._time(), key, micros(self._room.ttl)])
        self._hear(era)
        if not found:
            return None
        age, value = found
        at = self._now() - int(age) / 1e6
        if len(value) > OFF_LOOP:
            return await anyio.to_thread.run_sync(_read, value, at)
        return _read(value, at)

    async def put(self, key: str, kept: Kept) -> None:
        if self._era is None:
            return  # it was asked for while Redis was away, and maybe to be forgotten since
        era, room = self._era, self._room
        [value] = await packed([encoded(kept)])
        if len(value) > LARGEST:
            return
        life = micros(room.ttl + GRACE_SECONDS) // 1000
        told: Sequence[Argument] = [self._time(), key, era, value, micros(room.ttl), room.max_entries, room.max_bytes, life]
        self._hear((await self._link.run(PUT, self._keys, told))[0])

    async def clear(self) -> None:
        """On all nodes."""
        era, over = await self._link.run(CLEAR, self._keys, [self._time()])
        self._hear(era)
        while await self._link.run(SWEEP, self._keys, [self._time(), over]):
            pass

    async def size(self) -> Size:
        era, entries, held = await self._link.run(SIZE, self._keys, [self._time()])
        self._hear(era)
        return Size(int(entries), int(held))

    def _hear(self, era: bytes) -> None:
        self._era = era.decode()

    def _time(self) -> Argument:
        return "" if self._wall is None else micros(self._wall())


def _read(value: bytes, at: float) -> Kept | None:
    return decoded(unpacked(value), at)
