"""Where state lives: one line per kind of store, chosen by the scheme of a URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headroom.errors import SettingsError
from headroom.stores.answers import Room
from headroom.stores.answers_redis import RedisAnswers
from headroom.stores.base import Store
from headroom.stores.counters import Counters
from headroom.stores.counters_memory import MemoryCounters
from headroom.stores.counters_redis import RedisCounters
from headroom.stores.counters_sqlite import SQLiteCounters
from headroom.stores.figures_redis import RedisFigures
from headroom.stores.memory import Memory
from headroom.stores.redis import Redis
from headroom.stores.redislink import Link
from headroom.stores.redisurl import parse
from headroom.stores.sqlite import SQLite

KINDS = ("memory:", "sqlite:PATH", "redis://HOST", "rediss://HOST")


def open_store(url: str, now: Callable[[], float]) -> Store:
    """`now` in seconds since the epoch. Nothing is opened or created before the first use."""
    if url == "memory:":
        return Memory(now)
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return SQLite(Path(rest).expanduser(), now)
    if scheme in ("redis", "rediss") and rest.startswith("//"):
        where = parse(url)
        return Redis(where, Link(where), now)
    # Only the scheme is named: the rest of a URL can hold a password.
    raise SettingsError(f"no store answers to {scheme[:20]!r}; use one of: {', '.join(KINDS)}")


def is_remote(url: str) -> bool:
    """Whether the store is another machine's, which may be away for a while."""
    return url.startswith(("redis:", "rediss:"))


def open_counters(store: Store, now: Callable[[], float]) -> Counters:
    """Where the store is; a process of its own counts for itself."""
    if isinstance(store, Redis):
        return RedisCounters(store)
    return SQLiteCounters(store) if isinstance(store, SQLite) else MemoryCounters(now)


def open_answers(store: Store, room: Room, now: Callable[[], float]) -> RedisAnswers | None:
    """None where each process keeps its own, in memory. `now` in seconds, steady."""
    return RedisAnswers(store, room, now) if isinstance(store, Redis) else None


def open_figures(store: Store) -> RedisFigures | None:
    """None where there are no other nodes."""
    return RedisFigures(store) if isinstance(store, Redis) else None


def shown(url: str) -> str:
    """A URL of a store as people may read it: without the password of a Redis."""
    return parse(url).shown if is_remote(url) else url
