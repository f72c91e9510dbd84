"""Where state lives: one line per kind of store, chosen by the scheme of a URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headroom.errors import SettingsError
from headroom.stores.base import Store
from headroom.stores.memory import Memory
from headroom.stores.sqlite import SQLite

KINDS = ("memory:", "sqlite:PATH")


def open_store(url: str, now: Callable[[], float]) -> Store:
    """`now` in seconds since the epoch. Nothing is opened or created before the first use."""
    if url == "memory:":
        return Memory(now)
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return SQLite(Path(rest).expanduser(), now)
    # Only the scheme is named: the rest of a URL can hold a password.
    raise SettingsError(f"no store answers to {scheme[:20]!r}; use one of: {', '.join(KINDS)}")
