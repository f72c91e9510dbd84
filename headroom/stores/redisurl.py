"""What a URL of a Redis says: where it is, who we are there, and how patient to be. Pure, and never repeats a password."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from headroom.errors import SettingsError

PORT = 6379

PREFIX = "headroom"

TIMEOUT = 0.2
"""Seconds for a call that is connected: Redis answers in well under a millisecond, a network adds one or two, and a
fork of the server to save its data holds it up for tens. What takes longer costs more than going on without."""

CONNECT = 0.05
"""Seconds to connect: within a data centre it takes about one."""

CONNECT_TLS = 0.2
"""The same with two more round trips and signatures."""

OPTIONS = ("prefix", "timeout", "connect_timeout", "ca")


@dataclass(frozen=True, slots=True)
class RedisURL:
    """`redis://[user[:password]@]host[:port][/db][?prefix=…&timeout=…&connect_timeout=…&ca=…]`; rediss:// is TLS."""

    host: str
    port: int
    db: int
    user: str | None
    password: str | None
    tls: bool
    prefix: str
    timeout: float
    """Seconds for one call; large values get more."""
    connect_timeout: float
    ca: str | None
    """File of roots to trust instead of the system's."""

    @property
    def shown(self) -> str:
        """For people: without user, password and options."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.db}"


def parse(url: str) -> RedisURL:
    """Raises SettingsError, which names no part of the URL: any could be a misplaced password."""
    try:
        parts = urlsplit(url)
        options = _options(parts.query)
        tls = parts.scheme == "rediss"
        return RedisURL(
            host=parts.hostname or "localhost", port=parts.port or PORT, db=_db(parts),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls, prefix=options.get("prefix", PREFIX), ca=options.get("ca"),
            timeout=_seconds(options, "timeout", TIMEOUT),
            connect_timeout=_seconds(options, "connect_timeout", CONNECT_TLS if tls else CONNECT),
        )
    except ValueError:
        raise SettingsError(
            "the URL of the Redis cannot be read: redis://user:password@host:6379/0, or rediss:// for TLS; special "
            f"characters in a password are percent-encoded; options are {', '.join(OPTIONS)}"
        ) from None


def _options(query: str) -> Mapping[str, str]:
    found = {name: values[-1] for name, values in parse_qs(query, strict_parsing=bool(query)).items()}
    if not found.keys() <= set(OPTIONS):
        raise ValueError
    return found


def _db(parts: SplitResult) -> int:
    db = int(parts.path.strip("/") or "0")
    if db < 0 or parts.scheme not in ("redis", "rediss") or parts.fragment:
        raise ValueError
    return db


def _seconds(options: Mapping[str, str], name: str, default: float) -> float:
    seconds = float(options.get(name, default))
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError
    return seconds
