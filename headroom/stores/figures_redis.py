"""Where nodes publish what they have counted, so that any of them can tell for all.

Each node writes its own sums, whole, under its own name, so that writing again does no harm; who reads adds up. `rows`
(a hash, "NODE NAME" → "VERSION DATA") has them, `changed` (a sorted set) says when each came, so that a reader asks for
what is new, and `passing` the same of those that are not kept for good; `sums` (a hash, by node) tells how much of a node
is there. All are of one epoch: when Redis has lost or evicted one of them, the rest is deleted, a new epoch begins, nodes
publish all they have again, and readers read all of it.

Nothing has an expiry, so that a Redis on `noeviction` or a `volatile-` policy keeps the sums also of nodes that are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom.errors import StoreError
from headroom.stores.packing import packed, unpacked
from headroom.stores.redis import Redis
from headroom.stores.redislink import Argument, Script

A_CALL = 50
"""Figures written, or read, in one step, during which Redis serves nobody else; a millisecond. A day of a ledger takes one or
two kilobytes packed, and 40 with as many names as there may be: so many come within the time-out of a call."""

PASSING_SECONDS = 40 * 86_400
"""After this long without a change, a figure that is not kept for good is gone."""

COMMON = """
local rows, changed, passing, sums, epoch = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local function whole(n) return string.format('%.0f', n) end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function count(node) return tonumber(redis.call('HGET', sums, node) or '0') end

local function version(member)
  local found = redis.call('HGET', rows, member)
  return found and tonumber(string.match(found, '^%d+')) or -1
end

local there = redis.call('HLEN', rows)
if there ~= redis.call('ZCARD', changed) or redis.call('EXISTS', epoch) == 0 or (there > 0 and redis.call('EXISTS', sums) == 0) then
  redis.call('UNLINK', rows, changed, passing, sums)
  redis.call('SET', epoch, whole(now))
end
"""

PUBLISH = Script(COMMON + f"""
local node, last = ARGV[1], redis.call('ZREVRANGE', changed, 0, 0, 'WITHSCORES')[2]
last = tonumber(last or '0')
if #ARGV > 1 then redis.call('HINCRBY', sums, node, 0) end  -- where there are rows there are sums
for i = 2, #ARGV, 4 do
  local member, new, lasting, data = node .. ' ' .. ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2] == '1', ARGV[i + 3]
  local old = version(member)
  if new > old then
    last = math.max(now, last + 1)
    redis.call('HSET', rows, member, whole(new) .. ' ' .. data)
    redis.call('ZADD', changed, whole(last), member)
    if lasting then
      redis.call('HINCRBY', sums, node, whole(new - math.max(old, 0)))
    else
      redis.call('ZADD', passing, whole(last), member)
    end
  end
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', passing, '-inf', whole(now - {PASSING_SECONDS} * 1000000), 'LIMIT', 0, {A_CALL})) do
  for _, key in ipairs({{changed, passing}}) do redis.call('ZREM', key, member) end
  redis.call('HDEL', rows, member)
end
return whole(count(node))
""")
"""ARGV: node, then for each figure its name, version, whether it is kept for good, and data. Returns the sum of versions of
those of the node that are, which is less than it should be if anything was lost."""

LACKS = Script(COMMON + """
local found = {}
for i = 2, #ARGV, 2 do
  if version(ARGV[1] .. ' ' .. ARGV[i]) < tonumber(ARGV[i + 1]) then found[#found + 1] = ARGV[i] end
end
return found
""")
"""ARGV: node, then names and versions in turn. Returns the names of those that are absent or older."""

NEWS = Script(COMMON + f"""
local since = redis.call('GET', epoch) == ARGV[1] and tonumber(ARGV[2]) or -1
local found, told = redis.call('ZRANGEBYSCORE', changed, '(' .. whole(since), '+inf', 'WITHSCORES', 'LIMIT', 0, {A_CALL}), {{}}
for i = 1, #found, 2 do
  told[#told + 1] = found[i]
  told[#told + 1] = redis.call('HGET', rows, found[i])
  since = tonumber(found[i + 1])
end
return {{redis.call('GET', epoch), whole(since), #found / 2 == {A_CALL} and 1 or 0, told}}
""")
"""ARGV: the epoch and the time that the reader has come to. Returns those it comes to now, whether there is more, and
members and rows in turn."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that a node has counted. Of two versions the higher is the later."""

    name: str
    """Without a space."""
    version: int
    data: bytes = b""
    lasting: bool = True
    """Kept for good, and its version is part of the sum by which a loss is noticed."""


@dataclass(frozen=True, slots=True)
class News:
    epoch: str
    """If it is another one than the reader knew, times are told anew; what it has heard stays true."""
    until: str
    more: bool
    figures: Sequence[tuple[str, Figure]]
    """With the node's name."""


class RedisFigures:
    """Uses the store's connections. Every method raises errors.StoreError and nothing else."""

    def __init__(self, store: Redis) -> None:
        self._link = store.link
        self._keys = tuple(f"{{{store.prefix}:1:figures}}:{name}" for name in ("rows", "changed", "passing", "sums", "epoch"))

    async def publish(self, node: str, figures: Sequence[Figure]) -> int:
        """Older versions than those that are there change nothing. Afterwards: the sum of the versions of those that last."""
        held = 0
        for start in range(0, max(len(figures), 1), A_CALL):
            some = figures[start : start + A_CALL]
            words: list[Argument] = [node]
            for figure, data in zip(some, await packed([figure.data for figure in some]), strict=True):
                words += (figure.name, figure.version, "1" if figure.lasting else "0", data)
            held = int(await self._link.run(PUBLISH, self._keys, words))
        return held

    async def lacks(self, node: str, versions: Mapping[str, int]) -> set[str]:
        """Names of those that are absent there, or older."""
        found: set[str] = set()
        names = list(versions)
        for start in range(0, len(names), A_CALL):
            words = [word for name in names[start : start + A_CALL] for word in (name, versions[name])]
            found.update(name.decode() for name in await self._link.run(LACKS, self._keys, [node, *words]))
        return found

    async def news(self, epoch: str, until: str) -> News:
        """What came since a reader came to `until`; both "" for one that knows nothing."""
        now, since, more, told = await self._link.run(NEWS, self._keys, [epoch, until or "-1"])
        figures = [_figure(member, row) for member, row in zip(told[::2], told[1::2], strict=True)]
        return News(now.decode(), since.decode(), more == 1, figures)


def _figure(member: bytes, row: bytes) -> tuple[str, Figure]:
    """Without data if it is damaged: those behind it must be heard all the same."""
    node, _, name = member.decode("utf-8", "replace").partition(" ")
    version, _, data = row.partition(b" ")
    try:
        return node, Figure(name, int(version), unpacked(data))
    except (ValueError, StoreError):
        return node, Figure(name, 0)
